# QCS on FERPlus, without choosing the epoch on the test split: FERPlus has a validation
# split of its own, and the test split is for tools/test.py alone.
_base_ = './qcs_ir50_ferplus.py'

val_dataloader = dict(dataset=dict(split='val'))
