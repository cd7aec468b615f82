# QCS on MobileNetV3-Small.
_base_ = [
    '../_base_/models/qcs_mix.py',
    '../_base_/datasets/raf_db_224.py',
    '../_base_/schedules/sam_adamw_mix.py',
    '../_base_/default_runtime.py',
]

model = dict(
    backbone=dict(type='MobileNetV3', arch='small', out_indices=(3, 8, 12)),
)
