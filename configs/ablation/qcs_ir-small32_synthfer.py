# QCS in the ablation on SynthFER: the base network and the cross branch.
_base_ = './base_ir-small32_synthfer.py'

model = dict(
    type='mmqcs.QCSClassifier',
    cross=dict(
        type='mmqcs.CrossBranch',
        attention=dict(
            type='mmqcs.CSANeck', embed_dims=96, num_levels=3, group='quadruplet'
        ),
        encoder=dict(
            type='mmqcs.TokenEncoder',
            num_tokens=12,
            embed_dims=96,
            depth=1,
            num_heads=4,
            out_type='cls_token',
            init_cfg=_base_.linear_init,
        ),
        head=_base_.model.head,
    ),
)
train_dataloader = dict(
    batch_size=8,
    drop_last=False,
    batch_sampler=dict(
        type='mmqcs.QuadrupletBatchSampler', negative='natural', drop_last=True
    ),
)
train_cfg = dict(max_epochs=2)
