# DCS on AffectNet-7: pairs, lr 9e-6, 48 anchors per batch, 100 epochs of an eighth of
# the images.
_base_ = './qcs_ir50_affectnet7.py'

model = dict(cross=dict(attention=dict(group='pair')))

train_dataloader = dict(
    batch_size=48,
    sampler=dict(fraction=1 / 8),
    batch_sampler=dict(_delete_=True, type='mmqcs.PairBatchSampler'),
)

optim_wrapper = dict(optimizer=dict(lr=9e-6))
train_cfg = dict(max_epochs=100)
