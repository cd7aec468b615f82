# SAM with a stock recipe.
_base_ = 'mmpretrain::resnet/resnet18_8xb16_cifar10.py'

optim_wrapper = dict(type='mmqcs.SAMOptimWrapper', rho=0.05)
custom_hooks = [dict(type='mmqcs.SAMHook')]
