# QCS on AffectNet-8: lr 4e-6, 24 anchors per batch, 100 epochs, no dropout, larger
# erased boxes.
_base_ = [
    '../_base_/models/qcs_ir50.py',
    '../_base_/datasets/affectnet8.py',
    '../_base_/schedules/sam_adam.py',
    '../_base_/default_runtime.py',
]

model = dict(
    data_preprocessor=dict(
        num_classes=8, erasing=dict(scale=(0.03, 0.1), step={{_base_.step}})
    ),
    head=dict(num_classes=8),
    cross=dict(head=dict(num_classes=8)),
)
optim_wrapper = dict(optimizer=dict(lr=4e-6))
train_cfg = dict(max_epochs=100)
