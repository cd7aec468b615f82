# DCS on RegNetY-200MF of timm: pairs instead of quadruplets.
_base_ = './qcs_timm-regnety-002_raf.py'

model = dict(cross=dict(attention=dict(group='pair')))

train_dataloader = dict(
    batch_size=48,
    batch_sampler=dict(_delete_=True, type='mmqcs.PairBatchSampler'),
)
