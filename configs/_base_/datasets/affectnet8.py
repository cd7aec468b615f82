# AffectNet with eight classes, including contempt.
_base_ = './affectnet7.py'

train_dataloader = dict(dataset=dict(num_classes=8))
val_dataloader = dict(dataset=dict(num_classes=8))
test_dataloader = dict(dataset=dict(num_classes=8))
