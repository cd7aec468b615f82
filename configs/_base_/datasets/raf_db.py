# RAF-DB as published: images are resized to 224 pixels, and the network takes every
# second pixel, so the pipeline outputs images of 112 pixels. Normalisation and random
# erasing follow on the device, in the data preprocessor.

# Take every step-th pixel. The recipes pass this to random erasing as well. For a
# network that takes all pixels, set 1, or use raf_db_224.py.
step = 2
jitter = dict(
    type='mmqcs.JitterColor', brightness=0.2, contrast=0.2, saturation=0.2, hue=0.1
)

dataset_type = 'mmqcs.RAFDB'
data_root = 'data/raf-db/'

train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='mmqcs.SampleFace', resize=224, step=step, flip=0.5),
    jitter,
    dict(type='PackInputs'),
]

test_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='mmqcs.SampleFace', resize=224, step=step),
    dict(type='PackInputs'),
]

train_dataloader = dict(
    # anchors per batch; the sampler adds the other images of each group
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
        # limit of the decoded images in shared memory; RAF-DB needs 353 MiB
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

# The published protocol has no validation split; the test split serves as both.
test_dataloader = val_dataloader
test_evaluator = dict(type='mmqcs.FERMetric')
