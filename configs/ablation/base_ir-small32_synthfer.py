# Base of the ablation on SynthFER: a plain classifier of 32×32 faces with 0.7 million
# parameters. dcs_ir-small32_synthfer and qcs_ir-small32_synthfer add the cross branch.
# Data and lengths of the runs are set by synthfer.yml.
_base_ = ['../_base_/default_runtime.py']

linear_init = dict(type='Xavier', layer='Linear', distribution='uniform')

model = dict(
    type='mmqcs.FERClassifier',
    data_preprocessor=dict(
        type='mmqcs.FERDataPreprocessor',
        mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375],
        to_rgb=True,
        num_classes=7,
    ),
    backbone=dict(
        type='mmqcs.IRNet', depth=(1, 2, 3), base_channels=16, out_indices=(0, 1, 2)
    ),
    neck=dict(
        type='mmqcs.TokenPyramidNeck',
        in_channels=(16, 32, 64),
        strides=(2, 4, 8),
        grid_stride=16,
        embed_dims=96,
        encoder=dict(
            type='mmqcs.TokenEncoder',
            num_tokens=12,
            depth=2,
            num_heads=4,
            init_cfg=linear_init,
        ),
    ),
    head=dict(
        type='mmqcs.GatedClsHead', num_classes=7, in_channels=96, init_cfg=linear_init
    ),
)

dataset_type = 'mmqcs.RAFDB'
data_root = 'data/synthfer/'
# not RAF-DB, so that the images are not compared with its published counts
metainfo = dict(dataset_name='SynthFER')

train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='Resize', scale=(40, 40), interpolation='area'),
    dict(type='RandomCrop', crop_size=32),
    dict(type='RandomFlip', prob=0.5),
    dict(type='mmqcs.JitterColor', brightness=0.2, contrast=0.2, saturation=0.2),
    dict(type='PackInputs', meta_keys=()),
]
test_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='Resize', scale=(40, 40), interpolation='area'),
    dict(type='CenterCrop', crop_size=32),
    dict(type='PackInputs'),
]

train_dataloader = dict(
    batch_size=32,
    num_workers=0,
    drop_last=True,
    sampler=dict(type='DefaultSampler', shuffle=True),
    collate_fn=dict(type='mmqcs.collate_faces'),
    dataset=dict(
        type=dataset_type,
        data_root=data_root,
        split='train',
        metainfo=metainfo,
        pipeline=train_pipeline,
        cache_mib=64,
    ),
)
val_dataloader = dict(
    batch_size=100,
    num_workers=0,
    sampler=dict(type='DefaultSampler', shuffle=False),
    collate_fn=dict(type='default_collate'),
    dataset=dict(
        type=dataset_type,
        data_root=data_root,
        split='test',
        metainfo=metainfo,
        pipeline=test_pipeline,
    ),
)
val_evaluator = dict(type='mmqcs.FERMetric', confusion_matrix=False)
test_dataloader = val_dataloader
test_evaluator = val_evaluator

optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='AdamW', lr=1e-3, weight_decay=0.05),
    clip_grad=dict(max_norm=5.0),
)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.05, by_epoch=False, end=40),
    # no end, so that it follows train_cfg.max_epochs
    dict(type='CosineAnnealingLR', by_epoch=True, convert_to_iter_based=True),
]
custom_hooks = [dict(type='SyncBuffersHook')]
# The last epoch counts: the test split chooses nothing.
train_cfg = dict(by_epoch=True, max_epochs=8, val_interval=1000)
val_cfg = dict()
test_cfg = dict()
default_hooks = dict(
    checkpoint=dict(interval=1000, save_best=None, save_optimizer=False),
    report=dict(enable=False),
)
