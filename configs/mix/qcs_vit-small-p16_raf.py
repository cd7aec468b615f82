# QCS on ViT-S/16. It refines the patch tokens of the backbone, one level of 14 × 14. It
# needs no neck, because the backbone encodes them and provides the class token.
_base_ = [
    '../_base_/models/qcs_mix.py',
    '../_base_/datasets/raf_db_224.py',
    '../_base_/schedules/sam_adamw_mix.py',
    '../_base_/default_runtime.py',
]

model = dict(
    backbone=dict(
        type='VisionTransformer',
        arch='deit-small',
        img_size=224,
        patch_size=16,
        out_type='raw',
        drop_path_rate=0.1,
    ),
    neck=None,
    head=dict(in_channels=384),
    cross=dict(
        attention=dict(embed_dims=384, num_levels=1),
        encoder=dict(num_tokens=196, embed_dims=384, num_heads=6),
        head=dict(in_channels=384),
    ),
)
