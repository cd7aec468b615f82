# CSANeck as the neck of a stock classifier: in training it refines the tokens of the
# last map within each group, at test time it passes single images through.
_base_ = [
    '../_base_/datasets/raf_db_224.py',
    '../_base_/schedules/sam_adamw_mix.py',
    '../_base_/default_runtime.py',
]

model = dict(
    type='ImageClassifier',
    data_preprocessor=dict(
        type='mmqcs.FERDataPreprocessor',
        mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375],
        to_rgb=True,
        num_classes=7,
    ),
    backbone=dict(type='ResNet', depth=18),
    neck=dict(
        type='mmqcs.CSANeck',
        embed_dims=512,
        num_levels=1,
        group='quadruplet',
        residual='input',
    ),
    head=dict(type='mmqcs.GatedClsHead', num_classes=7, in_channels=512),
)
