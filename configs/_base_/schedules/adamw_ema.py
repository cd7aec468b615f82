# AdamW from random weights: warm-up over the first twentieth of the run, then cosine to
# its end, and an average of the weights, which is what is validated and saved.
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='AdamW', lr=2e-3, weight_decay=0.05, fused=True),
    clip_grad=dict(max_norm=5.0),
)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.01, by_epoch=False, end=300),
    # without end: to max_epochs
    dict(type='CosineAnnealingLR', by_epoch=True, convert_to_iter_based=True),
]
custom_hooks = [
    # 250 iterations of memory; averages BatchNorm's statistics as well
    dict(type='EMAHook', momentum=0.004, update_buffers=True, priority='ABOVE_NORMAL'),
    dict(type='SyncBuffersHook'),
]

train_cfg = dict(by_epoch=True, max_epochs=100, val_interval=4)
val_cfg = dict()
test_cfg = dict()
