# QCS on ConvNeXt-T.
_base_ = [
    '../_base_/models/qcs_mix.py',
    '../_base_/datasets/raf_db_224.py',
    '../_base_/schedules/sam_adamw_mix.py',
    '../_base_/default_runtime.py',
]

model = dict(
    backbone=dict(
        type='ConvNeXt',
        arch='tiny',
        drop_path_rate=0.1,
        out_indices=(1, 2, 3),
        gap_before_final_norm=False,
    ),
)
