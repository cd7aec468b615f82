# QCS on a frozen DINOv2 ViT-S/14: the patch tokens of three layers become three levels
# of 8 × 8 tokens. Only neck, heads and cross branch are trained.
_base_ = [
    '../_base_/models/qcs_mix.py',
    '../_base_/datasets/raf_db_224.py',
    '../_base_/schedules/sam_adamw_mix.py',
    '../_base_/default_runtime.py',
]

model = dict(
    backbone=dict(
        type='VisionTransformer',
        arch='dinov2-small',
        img_size=224,
        patch_size=14,
        layer_scale_init_value=1e-5,
        out_type='featmap',
        out_indices=(3, 7, 11),
        frozen_stages=12,
        # required: see configs/mix/README.md
        init_cfg=dict(
            type='Pretrained',
            checkpoint='checkpoints/dinov2-small.pth',
            prefix='backbone.',
        ),
    ),
    neck=dict(grid_stride=28, encoder=dict(num_tokens=192)),
    cross=dict(encoder=dict(num_tokens=192)),
)

optim_wrapper = dict(optimizer=dict(lr=2e-4))
