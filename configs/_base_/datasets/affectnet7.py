# AffectNet, seven classes: no contempt. Faces cut out by their boxes where the release
# has whole images, resized to 236, cropped to 224, rotated by up to 12°. Anchors are
# drawn with all classes equally likely, a twelfth of the images an epoch.
_base_ = './raf_db.py'

dataset_type = 'mmqcs.AffectNet'
data_root = 'data/affectnet/'

train_pipeline = [
    dict(type='mmqcs.LoadImage'),
    dict(type='mmqcs.CropFace'),
    dict(
        type='mmqcs.SampleFace',
        resize=236,
        crop=224,
        step=2,
        random_crop=True,
        rotate=12,
        flip=0.5,
    ),
    dict(
        type='mmqcs.JitterColor', brightness=0.2, contrast=0.2, saturation=0.2, hue=0.1
    ),
    dict(type='PackInputs'),
]

test_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='mmqcs.CropFace'),
    dict(type='mmqcs.SampleFace', resize=236, crop=224, step=2),
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
