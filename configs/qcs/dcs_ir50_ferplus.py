# DCS on FERPlus: pairs, lr 8e-6, images resized to 234, residual "input".
_base_ = './qcs_ir50_ferplus.py'

model = dict(cross=dict(attention=dict(group='pair', residual='input')))

train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(
        type='mmqcs.SampleFace',
        resize=234,
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
    dict(type='mmqcs.SampleFace', resize=234, crop=224, step={{_base_.step}}),
    dict(type='PackInputs'),
]

train_dataloader = dict(
    batch_sampler=dict(_delete_=True, type='mmqcs.PairBatchSampler'),
    dataset=dict(pipeline=train_pipeline),
)
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))

optim_wrapper = dict(optimizer=dict(lr=8e-6))
