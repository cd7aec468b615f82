# Pretrains the small IRNet to tell rendered people apart, in the role of the face
# recognition weights from which the published runs start. Every image of the one epoch
# is new: 500 people, each with all expressions, about 80 images per person.
_base_ = ['../_base_/default_runtime.py']

num_persons = 500
num_images = 40_000
# other people than in the default dataset
dataset = dict(
    type='mmqcs.SynthFER', persons=num_persons, seed=1, image_size=56, difficulty=0.5
)

model = dict(
    type='mmqcs.FERClassifier',
    data_preprocessor=dict(
        type='mmqcs.FERDataPreprocessor',
        mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375],
        to_rgb=True,
        num_classes=num_persons,
    ),
    backbone=dict(
        type='mmqcs.IRNet', depth=(1, 2, 3), base_channels=16, out_indices=(2,)
    ),
    neck=dict(type='GlobalAveragePooling'),
    head=dict(
        type='ArcFaceClsHead',
        num_classes=num_persons,
        in_channels=64,
        # smaller than published for recognition of millions of photographs
        scale=24.0,
        margins=0.2,
    ),
)

train_dataloader = dict(
    batch_size=64,
    num_workers=1,
    sampler=dict(type='DefaultSampler', shuffle=True),
    collate_fn=dict(type='mmqcs.collate_faces'),
    dataset=dict(
        **dataset,
        num_images=num_images,
        pipeline=[
            dict(type='LoadImageFromFile'),
            dict(type='RandomCrop', crop_size=48),
            dict(type='RandomFlip', prob=0.5),
            dict(type='PackInputs', meta_keys=()),
        ],
    ),
)
# more images of the same people
val_dataloader = dict(
    batch_size=100,
    num_workers=1,
    sampler=dict(type='DefaultSampler', shuffle=False),
    collate_fn=dict(type='default_collate'),
    dataset=dict(
        **dataset,
        start=num_images,
        num_images=1000,
        pipeline=[
            dict(type='LoadImageFromFile'),
            dict(type='Resize', scale=(56, 56), interpolation='area'),
            dict(type='CenterCrop', crop_size=48),
            dict(type='PackInputs'),
        ],
    ),
)
val_evaluator = dict(type='Accuracy', topk=(1, 5))
test_dataloader = val_dataloader
test_evaluator = val_evaluator

optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='AdamW', lr=3e-3, weight_decay=0.05),
    clip_grad=dict(max_norm=5.0),
)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.05, by_epoch=False, end=50),
    dict(type='CosineAnnealingLR', by_epoch=True, convert_to_iter_based=True),
]
train_cfg = dict(by_epoch=True, max_epochs=1, val_interval=1)
val_cfg = dict()
test_cfg = dict()
default_hooks = dict(
    checkpoint=dict(save_best='accuracy/top1'), report=dict(enable=False)
)
