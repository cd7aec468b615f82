# AffectNet, seven classes: no contempt. Faces cut out by their boxes where the release
# has whole images, resized to 236, cropped to 224, rotated by up to 12°. Anchors are
# drawn with all classes equally likely, a twelfth of the images an epoch.
_base_ = './raf_db.py'

dataset_type = 'mmqcs.AffectNet'
data_root = 'data/affectnet/'

train_pipeline = [
    dict(type='LoadImageFromFile', imdecode_backend='pillow'),
    dict(type='mmqcs.CropFace'),
    dict(type='NumpyToPIL', to_rgb=True),
    dict(type='torchvision/Resize', size=(236, 236)),
    dict(type='torchvision/RandomRotation', degrees=12),
    dict(type='torchvision/RandomCrop', size=224),
    dict(type='torchvision/RandomHorizontalFlip', p=0.5),
    dict(
        type='torchvision/ColorJitter',
        brightness=0.2,
        contrast=0.2,
        saturation=0.2,
        hue=0.1,
    ),
    dict(type='PILToNumpy', to_bgr=True),
    dict(type='PackInputs'),
]

test_pipeline = [
    dict(type='LoadImageFromFile', imdecode_backend='pillow'),
    dict(type='mmqcs.CropFace'),
    dict(type='NumpyToPIL', to_rgb=True),
    dict(type='torchvision/Resize', size=(236, 236)),
    dict(type='torchvision/CenterCrop', size=224),
    dict(type='PILToNumpy', to_bgr=True),
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
