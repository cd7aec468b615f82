# QCS on your own dataset, with one folder per class:
#
#     data/custom/train/<class>/*.jpg
#     data/custom/val/<class>/*.jpg
#
# Classes are the folder names in alphabetical order. Set num_classes to their number.
_base_ = [
    '../_base_/models/qcs_mix.py',
    '../_base_/schedules/sam_adamw_mix.py',
    '../_base_/default_runtime.py',
]

num_classes = 7
model = dict(
    data_preprocessor=dict(num_classes=num_classes),
    backbone=dict(type='ResNet', depth=18, out_indices=(1, 2, 3)),
    head=dict(num_classes=num_classes),
    cross=dict(head=dict(num_classes=num_classes)),
)

train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='RandomResizedCrop', scale=224, crop_ratio_range=(0.5, 1.0)),
    dict(type='RandomFlip', prob=0.5, direction='horizontal'),
    dict(type='PackInputs'),
]
test_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='ResizeEdge', scale=256, edge='short'),
    dict(type='CenterCrop', crop_size=224),
    dict(type='PackInputs'),
]

dataset = dict(type='CustomDataset', data_root='data/custom', with_label=True)
train_dataloader = dict(
    batch_size=16,
    num_workers=4,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=True),
    batch_sampler=dict(type='mmqcs.QuadrupletBatchSampler'),
    collate_fn=dict(type='mmqcs.collate_faces'),
    dataset=dict(dataset, data_prefix='train', pipeline=train_pipeline),
)
val_dataloader = dict(
    batch_size=64,
    num_workers=4,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    collate_fn=dict(type='default_collate'),
    dataset=dict(dataset, data_prefix='val', pipeline=test_pipeline),
)
val_evaluator = dict(type='mmqcs.FERMetric', confusion_matrix=False)
test_dataloader = val_dataloader
test_evaluator = dict(type='mmqcs.FERMetric')
