# AffectNet with seven classes, without contempt. Whole images are cropped to their face
# boxes, then resized to 236, cropped to 224 and rotated by up to 12°. All classes are
# equally likely as anchors, and an epoch has a twelfth of the images.
_base_ = './raf_db.py'

dataset_type = 'mmqcs.AffectNet'
data_root = 'data/affectnet/'

train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='mmqcs.CropFace'),
    dict(
        type='mmqcs.SampleFace',
        resize=236,
        crop=224,
        step={{_base_.step}},
        random_crop=True,
        rotate=12,
        flip=0.5,
    ),
    {{_base_.jitter}},
    dict(type='PackInputs'),
]

test_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='mmqcs.CropFace'),
    dict(type='mmqcs.SampleFace', resize=236, crop=224, step={{_base_.step}}),
    dict(type='PackInputs'),
]

train_dataloader = dict(
    sampler=dict(_delete_=True, type='mmqcs.BalancedSampler', fraction=1 / 12),
    batch_sampler=dict(negative='uniform'),
    dataset=dict(
        type=dataset_type, data_root=data_root, num_classes=7, pipeline=train_pipeline
    ),
)
val_dataloader = dict(
    dataset=dict(
        type=dataset_type,
        data_root=data_root,
        split='val',
        num_classes=7,
        pipeline=test_pipeline,
    )
)
# Only training and validation images are public.
test_dataloader = val_dataloader
