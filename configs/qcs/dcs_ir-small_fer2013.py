# DCS on FER2013: pairs, 256 anchors per batch, which are 512 images.
_base_ = './qcs_ir-small_fer2013.py'

model = dict(cross=dict(attention=dict(group='pair')))
train_dataloader = dict(
    batch_size=256,
    batch_sampler=dict(_delete_=True, type='mmqcs.PairBatchSampler', drop_last=True),
)
train_cfg = dict(max_epochs=50, val_interval=2)
