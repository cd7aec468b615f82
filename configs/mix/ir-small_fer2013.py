# The network of qcs_ir-small_fer2013 as a plain classifier, without groups: the base
# that QCS and DCS must beat at an equal number of images.
_base_ = [
    '../_base_/models/ir-small_fer2013.py',
    '../_base_/datasets/fer2013.py',
    '../_base_/schedules/adamw_ema.py',
    '../_base_/default_runtime.py',
]
