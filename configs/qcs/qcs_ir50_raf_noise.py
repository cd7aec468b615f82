# QCS on RAF-DB with 20 % wrong training labels, and a loss in which images count less
# if both heads contradict their label. Set agreement_power=0 for the plain loss. See
# docs/options.md.
_base_ = './qcs_ir50_raf.py'

model = dict(group_loss=dict(type='mmqcs.GroupLoss', agreement_power=2.0))

train_dataloader = dict(dataset=dict(label_noise=dict(rate=0.2, seed=0)))
