# RAF-DB as published: resized to 224, of which the network takes every second pixel
# (step=2), so that images of 112 pixels leave the pipeline. For a network that takes
# all pixels remove step, here and in erasing. Normalisation and random erasing follow
# on the device, in the data preprocessor.
dataset_type = 'mmqcs.RAFDB'
data_root = 'data/raf-db/'

train_pipeline = [
    dict(type='mmqcs.LoadImage'),
    dict(type='mmqcs.SampleFace', resize=224, step=2, flip=0.5),
    dict(
        type='mmqcs.JitterColor', brightness=0.2, contrast=0.2, saturation=0.2, hue=0.1
    ),
    dict(type='PackInputs'),
]

# Stock tools know the stock way of loading, and replace it where they have an image.
test_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='mmqcs.SampleFace', resize=224, step=2),
    dict(type='PackInputs'),
]

train_dataloader = dict(
    # anchors a batch; each brings the companions of its group
    batch_size=24,
    num_workers=8,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=True),
    batch_sampler=dict(type='mmqcs.QuadrupletBatchSampler', negative='natural'),
    # labels alone, in one tensor; for other annotations use default_collate
    collate_fn=dict(type='mmqcs.collate_faces'),
    dataset=dict(
        type=dataset_type,
        data_root=data_root,
        split='train',
        pipeline=train_pipeline,
        # decoded images that the workers keep in shared memory; RAF-DB takes 353 MiB
        cache_mib=1024,
    ),
)

val_dataloader = dict(
    batch_size=64,
    num_workers=8,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    collate_fn=dict(type='default_collate'),
    dataset=dict(
        type=dataset_type, data_root=data_root, split='test', pipeline=test_pipeline
    ),
)
val_evaluator = dict(type='mmqcs.FERMetric', confusion_matrix=False)

# The published protocol knows no validation split: the test split is both.
test_dataloader = val_dataloader
test_evaluator = dict(type='mmqcs.FERMetric')
