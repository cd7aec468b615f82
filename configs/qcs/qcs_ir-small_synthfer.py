# QCS on SynthFER, the package's rendered faces, in the layout of RAF-DB. `make train`
# runs this recipe in a few minutes on two CPU cores.
_base_ = [
    '../_base_/models/qcs_ir-small.py',
    '../_base_/datasets/raf_db.py',
    '../_base_/default_runtime.py',
]

# Such a short training does better without random erasing.
model = dict(data_preprocessor=dict(erasing=None))

data_root = 'data/synthfer/'
# not RAF-DB, so that the images are not compared with its published counts
metainfo = dict(dataset_name='SynthFER')

# Positions of eyes, nose and mouth corners in these faces, as fractions of the side.
# mmqcs.apis.FERInferencer aligns the faces that it finds to them.
face_template = [
    (0.358, 0.405),
    (0.642, 0.405),
    (0.500, 0.565),
    (0.390, 0.716),
    (0.610, 0.716),
]

train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='Resize', scale=(72, 72), interpolation='area'),
    dict(type='RandomCrop', crop_size=64),
    dict(type='RandomFlip', prob=0.5),
    dict(type='ColorJitter', brightness=0.2, contrast=0.2, saturation=0.2),
    dict(type='PackInputs'),
]
test_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='Resize', scale=(72, 72), interpolation='area'),
    dict(type='CenterCrop', crop_size=64),
    dict(type='PackInputs'),
]

train_dataloader = dict(
    batch_size=16,
    num_workers=1,
    dataset=dict(data_root=data_root, metainfo=metainfo, pipeline=train_pipeline),
)
val_dataloader = dict(
    batch_size=100,
    num_workers=1,
    dataset=dict(data_root=data_root, metainfo=metainfo, pipeline=test_pipeline),
)
test_dataloader = val_dataloader

optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='AdamW', lr=2e-3, weight_decay=0.05),
    clip_grad=dict(max_norm=5.0),
)
max_epochs = 8
param_scheduler = [
    dict(
        type='LinearLR',
        start_factor=0.05,
        by_epoch=True,
        end=1,
        convert_to_iter_based=True,
    ),
    dict(
        type='CosineAnnealingLR',
        by_epoch=True,
        begin=1,
        end=max_epochs,
        convert_to_iter_based=True,
    ),
]
custom_hooks = [dict(type='SyncBuffersHook')]
train_cfg = dict(by_epoch=True, max_epochs=max_epochs, val_interval=1)
val_cfg = dict()
test_cfg = dict()
