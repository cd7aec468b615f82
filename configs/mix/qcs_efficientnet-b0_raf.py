# QCS on EfficientNet-B0.
_base_ = [
    '../_base_/models/qcs_mix.py',
    '../_base_/datasets/raf_db_224.py',
    '../_base_/schedules/sam_adamw_mix.py',
    '../_base_/default_runtime.py',
]

model = dict(
    backbone=dict(type='EfficientNet', arch='b0', out_indices=(3, 4, 6)),
)
