# IRNet as the backbone of a stock self-supervised method, on faces without labels.
_base_ = [
    '../_base_/datasets/raf_db_224_single.py',
    '../_base_/default_runtime.py',
]

model = dict(
    type='SimSiam',
    data_preprocessor=dict(
        type='SelfSupDataPreprocessor',
        mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375],
        to_rgb=True,
    ),
    backbone=dict(type='mmqcs.IRNet', depth=50, out_indices=(3,)),
    neck=dict(
        type='NonLinearNeck',
        in_channels=512,
        hid_channels=512,
        out_channels=512,
        num_layers=3,
        with_last_bn_affine=False,
        with_avg_pool=True,
    ),
    head=dict(
        type='LatentPredictHead',
        loss=dict(type='CosineSimilarityLoss'),
        predictor=dict(
            type='NonLinearNeck',
            in_channels=512,
            hid_channels=128,
            out_channels=512,
            with_avg_pool=False,
            with_last_bn=False,
            with_last_bias=True,
        ),
    ),
)

view_pipeline = [
    dict(type='mmqcs.SampleFace', resize=128, crop=112, random_crop=True, flip=0.5),
    dict(
        type='mmqcs.JitterColor', brightness=0.4, contrast=0.4, saturation=0.4, hue=0.1
    ),
]
train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='MultiView', num_views=2, transforms=[view_pipeline]),
    dict(type='PackInputs'),
]
train_dataloader = dict(
    collate_fn=dict(type='default_collate'),  # images have two views and no label
    dataset=dict(pipeline=train_pipeline),
)

optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='SGD', lr=0.05, weight_decay=1e-4, momentum=0.9),
    paramwise_cfg=dict(custom_keys={'predictor': dict(fix_lr=True)}),
)
custom_hooks = [
    dict(type='SimSiamHook', priority='HIGH', fix_pred_lr=True, lr=0.05),
]
param_scheduler = dict(type='CosineAnnealingLR', T_max=100, by_epoch=True, end=100)
train_cfg = dict(by_epoch=True, max_epochs=100)
# there is nothing to classify
val_dataloader = test_dataloader = None
val_evaluator = test_evaluator = None
val_cfg = test_cfg = None
default_hooks = dict(checkpoint=dict(save_best=None))
