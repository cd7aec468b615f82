# QCS on RAF-DB with an exponential moving average of the weights, which is validated
# and saved instead of the weights themselves. See docs/options.md.
_base_ = './qcs_ir50_raf.py'

# An epoch has 511 iterations, so the average is over about one epoch.
default_hooks = dict(ema=dict(type='EMAHook', momentum=2e-3, update_buffers=True))
