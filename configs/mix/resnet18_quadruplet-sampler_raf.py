# The quadruplet sampler with a stock classifier: each group has two images of each of
# two classes.
_base_ = [
    '../_base_/models/resnet18_fer.py',
    '../_base_/datasets/raf_db_224.py',
    '../_base_/schedules/sam_adamw_mix.py',
    '../_base_/default_runtime.py',
]
