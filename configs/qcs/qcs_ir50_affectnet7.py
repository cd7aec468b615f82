# QCS on AffectNet-7: lr 4e-6, 24 anchors per batch, 150 epochs, dropout 0.4 in the
# cross encoder, larger erased boxes.
_base_ = [
    '../_base_/models/qcs_ir50.py',
    '../_base_/datasets/affectnet7.py',
    '../_base_/schedules/sam_adam.py',
    '../_base_/default_runtime.py',
]

model = dict(
    data_preprocessor=dict(erasing=dict(scale=(0.03, 0.1), step={{_base_.step}})),
    cross=dict(encoder=dict(drop_rate=0.4)),
)
optim_wrapper = dict(optimizer=dict(lr=4e-6))
train_cfg = dict(max_epochs=150)
