# QCS for a CPU: 64 × 64 input, three levels of 4 × 4 tokens with 96 channels, and
# 1.1 million parameters, of which 0.7 million are used at test time.
_base_ = './qcs_ir50.py'

# Narrow layers and few iterations need larger initial weights than the published ones,
# whose standard deviation is 0.01.
linear_init = dict(type='Xavier', layer='Linear', distribution='uniform')

model = dict(
    backbone=dict(
        _delete_=True,
        type='mmqcs.IRNet',
        depth=(1, 2, 3),
        base_channels=16,
        out_indices=(0, 1, 2),
    ),
    neck=dict(
        in_channels=(16, 32, 64),
        embed_dims=96,
        encoder=dict(num_tokens=48, num_heads=4, init_cfg=linear_init),
    ),
    head=dict(in_channels=96, init_cfg=linear_init),
    cross=dict(
        attention=dict(embed_dims=96),
        encoder=dict(num_tokens=48, embed_dims=96, num_heads=4, init_cfg=linear_init),
        head=dict(in_channels=96, init_cfg=linear_init),
    ),
)
