# QCS on RAF-DB: lr 3e-6, 24 anchors per batch, 200 epochs, no dropout.
_base_ = [
    '../_base_/models/qcs_ir50.py',
    '../_base_/datasets/raf_db.py',
    '../_base_/schedules/sam_adam.py',
    '../_base_/default_runtime.py',
]

model = dict(data_preprocessor=dict(erasing=dict(step={{_base_.step}})))
