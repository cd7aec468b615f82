# QCS on FER2013, from random weights.
# Quadruplets of 128 anchors are 512 images, as many as in a batch of the base network
# (configs/mix/ir-small_fer2013.py), and 25 epochs of groups are its 100 epochs.
_base_ = [
    '../_base_/models/ir-small_fer2013.py',
    '../_base_/datasets/fer2013.py',
    '../_base_/schedules/adamw_ema.py',
    '../_base_/default_runtime.py',
]

encoder = dict(
    type='mmqcs.TokenEncoder',
    num_tokens=108,
    embed_dims=128,
    depth=1,
    drop_rate=0.2,
    num_heads=4,
    out_type='cls_token',
    init_cfg=_base_.linear_init,
)
model = dict(
    type='mmqcs.QCSClassifier',
    cross=dict(
        type='mmqcs.CrossBranch',
        attention=dict(
            type='mmqcs.CSANeck', embed_dims=128, num_levels=3, group='quadruplet'
        ),
        encoder=encoder,
        head=_base_.model.head,
    ),
)

train_dataloader = dict(
    batch_size=128,
    drop_last=False,
    batch_sampler=dict(
        type='mmqcs.QuadrupletBatchSampler', negative='natural', drop_last=True
    ),
)
train_cfg = dict(max_epochs=25, val_interval=1)
