# A stock classifier for seven expressions on images of 224 pixels.
model = dict(
    type='ImageClassifier',
    data_preprocessor=dict(
        type='mmqcs.FERDataPreprocessor',
        # ImageNet statistics, RGB
        mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375],
        to_rgb=True,
        num_classes=7,
    ),
    backbone=dict(type='ResNet', depth=18),
    neck=dict(type='GlobalAveragePooling'),
    head=dict(
        type='LinearClsHead',
        num_classes=7,
        in_channels=512,
        loss=dict(type='CrossEntropyLoss'),
        topk=(1,),
    ),
)
