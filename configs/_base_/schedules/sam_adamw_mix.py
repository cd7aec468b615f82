# SAM with AdamW for ImageNet backbones: 50 epochs of warm-up and cosine decay.
optim_wrapper = dict(
    type='mmqcs.SAMOptimWrapper',
    rho=0.05,
    optimizer=dict(type='AdamW', lr=5e-5, weight_decay=0.05, fused=True),
)
custom_hooks = [dict(type='mmqcs.SAMHook'), dict(type='SyncBuffersHook')]

max_epochs = 50
param_scheduler = [
    dict(
        type='LinearLR',
        start_factor=0.01,
        by_epoch=True,
        end=2,
        convert_to_iter_based=True,
    ),
    dict(
        type='CosineAnnealingLR',
        by_epoch=True,
        begin=2,
        end=max_epochs,
        convert_to_iter_based=True,
    ),
]

train_cfg = dict(by_epoch=True, max_epochs=max_epochs, val_interval=1)
val_cfg = dict()
test_cfg = dict()
