# AdamW from random weights: 300 iterations of warm-up, cosine to the last epoch. An
# exponential moving average of the weights is validated and saved.
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='AdamW', lr=2e-3, weight_decay=0.2, fused=True),
    clip_grad=dict(max_norm=5.0),
)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.01, by_epoch=False, end=300),
    # no end, so that it follows train_cfg.max_epochs
    dict(type='CosineAnnealingLR', by_epoch=True, convert_to_iter_based=True),
]
custom_hooks = [
    # averages the last 250 iterations or so, and BatchNorm's statistics as well
    dict(type='EMAHook', momentum=0.016, interval=4, update_buffers=True),
    dict(type='SyncBuffersHook'),
]

train_cfg = dict(by_epoch=True, max_epochs=100, val_interval=4)
val_cfg = dict()
test_cfg = dict()
