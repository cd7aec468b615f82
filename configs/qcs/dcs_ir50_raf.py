# DCS on RAF-DB: pairs instead of quadruplets, lr 9e-6, 48 anchors per batch, dropout
# 0.2 in the cross encoder.
_base_ = './qcs_ir50_raf.py'

model = dict(
    cross=dict(attention=dict(group='pair'), encoder=dict(drop_rate=0.2)),
)

train_dataloader = dict(
    batch_size=48,
    batch_sampler=dict(_delete_=True, type='mmqcs.PairBatchSampler'),
)

optim_wrapper = dict(optimizer=dict(lr=9e-6))
