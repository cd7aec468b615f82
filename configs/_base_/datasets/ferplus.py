# FERPlus: FER2013's images with the majority of ten votes, eight classes. Resized to
# 232, cropped to 224, rotated by up to 10°.
_base_ = './raf_db.py'

data_root = 'data/ferplus/'

train_pipeline = [
    dict(type='LoadImageFromFile', imdecode_backend='pillow'),
    dict(type='NumpyToPIL', to_rgb=True),
    dict(type='torchvision/Resize', size=(232, 232)),
    dict(type='torchvision/RandomRotation', degrees=10),
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
    dict(type='NumpyToPIL', to_rgb=True),
    dict(type='torchvision/Resize', size=(232, 232)),
    dict(type='torchvision/CenterCrop', size=224),
    dict(type='PILToNumpy', to_bgr=True),
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
