# DCS on AffectNet-8: pairs, lr 8e-6, 48 anchors per batch, 50 epochs of an eighth of
# the images, augmentation by flips and small erased boxes only, dropout 0.2 in the base
# and 0.5 in the cross encoder, residual "input".
_base_ = './qcs_ir50_affectnet8.py'

model = dict(
    data_preprocessor=dict(erasing=dict(scale=(0.02, 0.1))),
    neck=dict(encoder=dict(drop_rate=0.2)),
    cross=dict(
        attention=dict(group='pair', residual='input'), encoder=dict(drop_rate=0.5)
    ),
)

train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='mmqcs.CropFace'),
    dict(type='mmqcs.SampleFace', resize=224, step={{_base_.step}}, flip=0.5),
    dict(type='PackInputs'),
]
test_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='mmqcs.CropFace'),
    dict(type='mmqcs.SampleFace', resize=224, step={{_base_.step}}),
    dict(type='PackInputs'),
]

train_dataloader = dict(
    batch_size=48,
    sampler=dict(fraction=1 / 8),
    batch_sampler=dict(_delete_=True, type='mmqcs.PairBatchSampler'),
    dataset=dict(pipeline=train_pipeline),
)
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))

optim_wrapper = dict(optimizer=dict(lr=8e-6))
train_cfg = dict(max_epochs=50)
