# QCS on RAF-DB with the seesaw loss, in which frequent classes push the scores of rare
# classes down less.
_base_ = './qcs_ir50_raf.py'

loss = dict(type='SeesawLoss', num_classes=7, p=0.8, q=2.0)
model = dict(head=dict(loss=loss), cross=dict(head=dict(loss=loss)))
