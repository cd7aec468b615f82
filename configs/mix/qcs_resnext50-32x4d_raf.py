# QCS on ResNeXt-50 32×4d.
_base_ = [
    '../_base_/models/qcs_mix.py',
    '../_base_/datasets/raf_db_224.py',
    '../_base_/schedules/sam_adamw_mix.py',
    '../_base_/default_runtime.py',
]

model = dict(
    backbone=dict(
        type='ResNeXt', depth=50, groups=32, width_per_group=4, out_indices=(1, 2, 3)
    ),
)
