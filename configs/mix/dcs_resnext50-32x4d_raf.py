# DCS on ResNeXt-50 32×4d: pairs instead of quadruplets.
_base_ = './qcs_resnext50-32x4d_raf.py'

model = dict(cross=dict(attention=dict(group='pair')))

train_dataloader = dict(
    batch_size=48,
    batch_sampler=dict(_delete_=True, type='mmqcs.PairBatchSampler'),
)
