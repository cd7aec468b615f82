# QCS on RegNetY-200MF of timm, through mmpretrain's wrapper (pip install timm).
_base_ = [
    '../_base_/models/qcs_mix.py',
    '../_base_/datasets/raf_db_224.py',
    '../_base_/schedules/sam_adamw_mix.py',
    '../_base_/default_runtime.py',
]

model = dict(
    backbone=dict(
        type='TIMMBackbone',
        model_name='regnety_002',
        features_only=True,
        out_indices=(2, 3, 4),
    ),
)
