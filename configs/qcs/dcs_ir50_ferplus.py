# DCS on FERPlus: pairs, lr 8e-6, resized to 234, "input" residual.
_base_ = './qcs_ir50_ferplus.py'

model = dict(cross=dict(attention=dict(group='pair', residual='input')))

train_pipeline = [
    dict(type='LoadImageFromFile', imdecode_backend='pillow'),
    dict(type='NumpyToPIL', to_rgb=True),
    dict(type='torchvision/Resize', size=(234, 234)),
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
    dict(type='torchvision/Resize', size=(234, 234)),
    dict(type='torchvision/CenterCrop', size=224),
    dict(type='PILToNumpy', to_bgr=True),
    dict(type='PackInputs'),
]

train_dataloader = dict(
    batch_sampler=dict(_delete_=True, type='mmqcs.PairBatchSampler'),
    dataset=dict(pipeline=train_pipeline),
)
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))

optim_wrapper = dict(optimizer=dict(lr=8e-6))
