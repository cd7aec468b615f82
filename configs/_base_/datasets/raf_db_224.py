# RAF-DB for networks that take all 224 pixels.
_base_ = './raf_db.py'

train_pipeline = [
    dict(type='mmqcs.LoadImage'),
    dict(type='mmqcs.SampleFace', resize=224, flip=0.5),
    dict(
        type='mmqcs.JitterColor', brightness=0.2, contrast=0.2, saturation=0.2, hue=0.1
    ),
    dict(type='PackInputs'),
]
test_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='mmqcs.SampleFace', resize=224),
    dict(type='PackInputs'),
]

train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = val_dataloader
