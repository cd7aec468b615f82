# RetinaNet for face detection with IR-50, the backbone of QCS. It reads WIDER Face with
# annotations in VOC format, see configs/det/README.md.
_base_ = [
    'mmdet::_base_/models/retinanet_r50_fpn.py',
    'mmdet::_base_/datasets/wider_face.py',
    'mmdet::_base_/schedules/schedule_1x.py',
    'mmdet::_base_/default_runtime.py',
]

model = dict(
    backbone=dict(
        _delete_=True,
        type='mmqcs.IRNet',
        depth=50,
        out_indices=(2, 3),
        # the stem works at full resolution, so recompute its activations to save memory
        with_cp=True,
        # MS-Celeb-1M weights, used if the file exists: see configs/qcs/README.md
        init_cfg=dict(
            type='mmqcs.OptionalPretrained', checkpoint='checkpoints/ir50.pth'
        ),
    ),
    # strides 8 and 16 from the backbone, 32 to 128 from additional convolutions
    neck=dict(in_channels=[256, 512], start_level=0),
    # faces are small, and taller than wide
    bbox_head=dict(
        num_classes=1,
        anchor_generator=dict(octave_base_scale=2, ratios=[1.0, 1.4]),
    ),
)

optim_wrapper = dict(optimizer=dict(lr=0.005), clip_grad=dict(max_norm=35, norm_type=2))
default_hooks = dict(
    checkpoint=dict(max_keep_ckpts=1, save_best='pascal_voc/mAP', rule='greater')
)
randomness = dict(seed=0)
