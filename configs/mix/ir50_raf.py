# IRNet as the backbone of a stock classifier.
_base_ = [
    '../_base_/datasets/raf_db_224_single.py',
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
    backbone=dict(
        type='mmqcs.IRNet',
        depth=50,
        input_size=112,
        out_indices=(3,),
        init_cfg=dict(
            type='mmqcs.OptionalPretrained', checkpoint='checkpoints/ir50.pth'
        ),
    ),
    neck=dict(type='GlobalAveragePooling'),
    head=dict(
        type='LinearClsHead',
        num_classes=7,
        in_channels=512,
        loss=dict(type='CrossEntropyLoss'),
        topk=(1,),
    ),
)
