# QCS on RAF-DB with label smoothing.
_base_ = './qcs_ir50_raf.py'

loss = dict(type='mmqcs.SmoothCrossEntropyLoss', smoothing=0.1)
model = dict(head=dict(loss=loss), cross=dict(head=dict(loss=loss)))
