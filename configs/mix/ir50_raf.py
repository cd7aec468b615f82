# IRNet as the backbone of a stock classifier.
_base_ = [
    '../_base_/models/resnet18_fer.py',
    '../_base_/datasets/raf_db_224_single.py',
    '../_base_/schedules/sam_adamw_mix.py',
    '../_base_/default_runtime.py',
]

model = dict(
    backbone=dict(
        _delete_=True,
        type='mmqcs.IRNet',
        depth=50,
        input_size=112,
        out_indices=(3,),
        init_cfg=dict(
            type='mmqcs.OptionalPretrained', checkpoint='checkpoints/ir50.pth'
        ),
    ),
)
