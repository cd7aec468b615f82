# QCS on FERPlus: lr 3.5e-6, 24 anchors per batch, 150 epochs, dropout 0.2 in the cross
# encoder.
_base_ = [
    '../_base_/models/qcs_ir50.py',
    '../_base_/datasets/ferplus.py',
    '../_base_/schedules/sam_adam.py',
    '../_base_/default_runtime.py',
]

model = dict(
    data_preprocessor=dict(num_classes=8, erasing=dict(step={{_base_.step}})),
    head=dict(num_classes=8),
    cross=dict(encoder=dict(drop_rate=0.2), head=dict(num_classes=8)),
)
optim_wrapper = dict(optimizer=dict(lr=3.5e-6))
train_cfg = dict(max_epochs=150)
