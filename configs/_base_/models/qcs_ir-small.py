# QCS small enough for a CPU: 64×64 input, three levels of 4×4 tokens, 96 channels,
# one million parameters of which half serve at test time.
_base_ = './qcs_ir50.py'

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
        encoder=dict(num_tokens=48, num_heads=4),
    ),
    head=dict(in_channels=96),
    cross=dict(
        attention=dict(embed_dims=96),
        encoder=dict(num_tokens=48, embed_dims=96, num_heads=4),
        head=dict(in_channels=96),
    ),
)
