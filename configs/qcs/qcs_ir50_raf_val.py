# QCS on RAF-DB, without choosing the epoch on the test split: a tenth of the training
# split is held out for validation, and the test split is for tools/test.py alone.
_base_ = './qcs_ir50_raf.py'

train_dataloader = dict(dataset=dict(val_fraction=0.1))
val_dataloader = dict(dataset=dict(split='train', val_fraction=0.1, held_out=True))
