# QCS on RAF-DB with negatives by confusion: classes that the model takes for the
# anchor's are drawn more often. See docs/options.md.
_base_ = './qcs_ir50_raf.py'

train_dataloader = dict(
    batch_sampler=dict(negative='confusion', temperature=1.0, momentum=0.5)
)
