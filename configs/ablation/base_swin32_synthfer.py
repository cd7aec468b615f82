# Base of the ablation with a small Swin transformer. options.yml trains it on many
# faces first, and then freezes its backbone or adds LoRA to it.
_base_ = './base_ir-small32_synthfer.py'

model = dict(
    backbone=dict(
        _delete_=True,
        type='SwinTransformer',
        arch=dict(embed_dims=32, depths=[2, 2, 2], num_heads=[2, 4, 4]),
        img_size=32,
        patch_size=2,
        window_size=4,
        drop_path_rate=0.0,
        out_indices=(0, 1, 2),
    ),
    neck=dict(in_channels=(32, 64, 128)),
)
