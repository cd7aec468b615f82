# QCS on DINOv2's ViT-S/14 with LoRA: the backbone is frozen, and its attention gets
# trainable matrices of rank 8. Its patch tokens are one level of 16 × 16.
_base_ = './qcs_vit-small-p16_raf.py'

model = dict(
    backbone=dict(
        _delete_=True,
        type='mmqcs.LoRABackbone',
        module=dict(
            type='VisionTransformer',
            arch='dinov2-small',
            img_size=224,
            patch_size=14,
            layer_scale_init_value=1e-5,
            out_type='raw',
            # required: see configs/mix/README.md
            init_cfg=dict(
                type='Pretrained',
                checkpoint='checkpoints/dinov2-small.pth',
                prefix='backbone.',
            ),
        ),
        rank=8,
        alpha=16,
        drop_rate=0.1,
    ),
    cross=dict(encoder=dict(num_tokens=256)),
)

optim_wrapper = dict(optimizer=dict(lr=5e-4))
