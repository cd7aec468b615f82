# DCS in the ablation on SynthFER: as QCS, with pairs.
_base_ = './qcs_ir-small32_synthfer.py'

model = dict(cross=dict(attention=dict(group='pair')))
train_dataloader = dict(
    batch_size=16,
    batch_sampler=dict(_delete_=True, type='mmqcs.PairBatchSampler', drop_last=True),
)
train_cfg = dict(max_epochs=4)
