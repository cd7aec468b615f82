# FER2013, 48×48 grey faces. The best epoch is chosen on PublicTest; tools/test.py then
# tests on PrivateTest. Faces of other sizes are resized to 48×48.
dataset_type = 'mmqcs.FER2013'
data_root = 'data/fer2013/'

# Where MTCNN's points must be for a face to be cut as these are. Medians over 547 faces
# (tools/misc/face_template.py), made symmetric, enlarged by 1.1 and moved up by 0.03,
# which classified faces in photographs best. The crops of FER2013 vary by 15 % in size.
face_template = [
    (0.292, 0.343),
    (0.708, 0.343),
    (0.500, 0.571),
    (0.323, 0.775),
    (0.677, 0.775),
]

train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='mmqcs.WarpFace', rotate=15, scale=(0.8, 1.25), shift=0.1, flip=0.5),
    dict(type='mmqcs.JitterColor', brightness=0.3, contrast=0.3),
    # collate_faces needs no meta information, which takes time to collect
    dict(type='PackInputs', meta_keys=()),
]
test_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='Resize', scale=(48, 48), interpolation='area'),
    dict(type='PackInputs'),
]

train_dataloader = dict(
    batch_size=512,
    num_workers=4,
    persistent_workers=True,
    drop_last=True,
    sampler=dict(type='DefaultSampler', shuffle=True),
    collate_fn=dict(type='mmqcs.collate_faces'),
    dataset=dict(
        type=dataset_type,
        data_root=data_root,
        split='train',
        pipeline=train_pipeline,
        # all decoded images
        cache_mib=256,
    ),
)
val_dataloader = dict(
    batch_size=512,
    num_workers=2,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    collate_fn=dict(type='default_collate'),
    dataset=dict(
        type=dataset_type, data_root=data_root, split='val', pipeline=test_pipeline
    ),
)
val_evaluator = dict(type='mmqcs.FERMetric', confusion_matrix=False)
test_dataloader = dict(
    batch_size=512,
    num_workers=2,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    collate_fn=dict(type='default_collate'),
    dataset=dict(
        type=dataset_type, data_root=data_root, split='test', pipeline=test_pipeline
    ),
)
test_evaluator = dict(type='mmqcs.FERMetric')
