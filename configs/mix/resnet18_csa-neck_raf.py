# CSANeck as the neck of a stock classifier. In training it refines the tokens of the
# last feature map within each group. At test time it passes single images through.
_base_ = [
    '../_base_/models/resnet18_fer.py',
    '../_base_/datasets/raf_db_224.py',
    '../_base_/schedules/sam_adamw_mix.py',
    '../_base_/default_runtime.py',
]

model = dict(
    neck=dict(
        _delete_=True,
        type='mmqcs.CSANeck',
        embed_dims=512,
        num_levels=1,
        group='quadruplet',
        residual='input',
    ),
    # a stock head does not accept token maps
    head=dict(_delete_=True, type='mmqcs.GatedClsHead', num_classes=7, in_channels=512),
)
