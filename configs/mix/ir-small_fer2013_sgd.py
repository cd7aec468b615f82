# Second stage of the weights in the package: continues from a checkpoint of
# ir-small_fer2013, given as load_from, with SGD and small batches.
_base_ = ['./ir-small_fer2013.py']

optim_wrapper = dict(
    optimizer=dict(
        _delete_=True,
        type='SGD',
        lr=0.03,
        momentum=0.9,
        nesterov=True,
        weight_decay=5e-4,
    )
)
train_dataloader = dict(batch_size=128)
train_cfg = dict(max_epochs=12, val_interval=1)
