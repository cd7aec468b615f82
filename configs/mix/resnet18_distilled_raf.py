# Distillation losses with a stock teacher and a stock student. Set the teacher's
# checkpoint to one of your runs.
_base_ = [
    '../_base_/models/resnet18_fer.py',
    '../_base_/datasets/raf_db_224_single.py',
    '../_base_/schedules/sam_adamw_mix.py',
    '../_base_/default_runtime.py',
]

model = dict(
    type='mmqcs.DistilledClassifier',
    teacher=dict(
        type='ImageClassifier',
        backbone=dict(type='ResNet', depth=34),
        neck=dict(type='GlobalAveragePooling'),
        head=dict(type='LinearClsHead', num_classes=7, in_channels=512),
        init_cfg=dict(type='Pretrained', checkpoint='checkpoints/teacher.pth'),
    ),
    logits_loss=dict(type='mmqcs.KLDistillLoss', temperature=4.0),
    feature_loss=dict(type='mmqcs.EuclideanDistillLoss', loss_weight=0.1),
)
