# DCS on ConvNeXt-T: pairs instead of quadruplets.
_base_ = './qcs_convnext-tiny_raf.py'

model = dict(cross=dict(attention=dict(group='pair')))

train_dataloader = dict(
    batch_size=48,
    batch_sampler=dict(_delete_=True, type='mmqcs.PairBatchSampler'),
)
