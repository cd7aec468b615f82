# DCS on FERPlus: pairs, lr 8e-6, resized to 234, "input" residual.
_base_ = './qcs_ir50_ferplus.py'

model = dict(cross=dict(attention=dict(group='pair', residual='input')))

train_pipeline = [
    dict(type='mmqcs.LoadImage'),
    dict(
        type='mmqcs.SampleFace',
        resize=234,
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
    dict(type='mmqcs.SampleFace', resize=234, crop=224, step=2),
    dict(type='PackInputs'),
]

train_dataloader = dict(
    batch_sampler=dict(_delete_=True, type='mmqcs.PairBatchSampler'),
    dataset=dict(pipeline=train_pipeline),
)
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))

optim_wrapper = dict(optimizer=dict(lr=8e-6))
