# FERPlus: FER2013's images with the majority of ten votes, eight classes. Resized to
# 232, cropped to 224, rotated by up to 10°.
_base_ = './raf_db.py'

data_root = 'data/ferplus/'

train_pipeline = [
    dict(type='mmqcs.LoadImage'),
    dict(
        type='mmqcs.SampleFace',
        resize=232,
        crop=224,
        step=2,
        random_crop=True,
        rotate=10,
        flip=0.5,
    ),
    dict(
        type='mmqcs.JitterColor', brightness=0.2, contrast=0.2, saturation=0.2, hue=0.1
    ),
    dict(type='PackInputs'),
]

test_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='mmqcs.SampleFace', resize=232, crop=224, step=2),
    dict(type='PackInputs'),
]

train_dataloader = dict(
    dataset=dict(type='mmqcs.FERPlus', data_root=data_root, pipeline=train_pipeline)
)
val_dataloader = dict(
    dataset=dict(type='mmqcs.FERPlus', data_root=data_root, pipeline=test_pipeline)
)
test_dataloader = dict(
    dataset=dict(type='mmqcs.FERPlus', data_root=data_root, pipeline=test_pipeline)
)
