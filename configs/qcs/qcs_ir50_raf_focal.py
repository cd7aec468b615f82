# QCS on RAF-DB with the focal loss, a binary loss for each class that gives little
# weight to images which are classified well.
_base_ = './qcs_ir50_raf.py'

loss = dict(type='FocalLoss', gamma=2.0, alpha=0.25)
model = dict(head=dict(loss=loss), cross=dict(head=dict(loss=loss)))
