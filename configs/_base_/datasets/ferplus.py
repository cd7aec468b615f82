# FERPlus: FER2013's images labelled by the majority of ten votes, eight classes. Images
# are resized to 232, cropped to 224 and rotated by up to 10°.
_base_ = './raf_db.py'

data_root = 'data/ferplus/'

train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(
        type='mmqcs.SampleFace',
        resize=232,
        crop=224,
        step={{_base_.step}},
        random_crop=True,
        rotate=10,
        flip=0.5,
    ),
    {{_base_.jitter}},
    dict(type='PackInputs'),
]

test_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='mmqcs.SampleFace', resize=232, crop=224, step={{_base_.step}}),
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
