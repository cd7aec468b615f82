# QCS on RAF-DB with logits adjusted by the frequency of the classes in training.
_base_ = './qcs_ir50_raf.py'

loss = dict(type='mmqcs.LogitAdjustedLoss', num_classes=7, tau=1.0)
model = dict(head=dict(loss=loss), cross=dict(head=dict(loss=loss)))
