# SAM with Adam, no weight decay, learning rate multiplied by 0.98 per epoch.
optim_wrapper = dict(
    type='mmqcs.SAMOptimWrapper',
    rho=0.05,
    # fused: one kernel for all parameters
    optimizer=dict(type='Adam', lr=3e-6, weight_decay=0, fused=True),
)
# SyncBuffersHook averages BatchNorm statistics over processes before each checkpoint.
custom_hooks = [dict(type='mmqcs.SAMHook'), dict(type='SyncBuffersHook')]

param_scheduler = dict(type='ExponentialLR', gamma=0.98, by_epoch=True)

train_cfg = dict(by_epoch=True, max_epochs=200, val_interval=1)
val_cfg = dict()
test_cfg = dict()
