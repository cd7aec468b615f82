# RAF-DB for networks that take all 224 × 224 pixels.
_base_ = './raf_db.py'

step = 1

train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='mmqcs.SampleFace', resize=224, step=step, flip=0.5),
    {{_base_.jitter}},
    dict(type='PackInputs'),
]
test_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='mmqcs.SampleFace', resize=224, step=step),
    dict(type='PackInputs'),
]

train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = val_dataloader
