# Trains the classifier of ir-small_fer2013.py together with a wider one, which needs
# three times the compute. Both learn from the labels, and the small one also from what
# the wide one predicts for the same images. Only the small one is published.
# It is best after about 120 epochs; then the wide one begins to know the training
# images by heart.
_base_ = ['ir-small_fer2013.py']

model = dict(
    type='mmqcs.DistilledClassifier',
    train_teacher=True,
    teacher=dict(
        type='mmqcs.FERClassifier',
        backbone=dict(
            type='mmqcs.IRNet',
            depth=(3, 4, 4),
            mode='ir_se',
            variant='adaface',
            base_channels=64,
            out_indices=(0, 1, 2),
        ),
        neck=dict(
            type='mmqcs.TokenPyramidNeck',
            in_channels=(64, 128, 256),
            strides=(2, 4, 8),
            grid_stride=8,
            embed_dims=128,
            encoder=dict(
                type='mmqcs.TokenEncoder',
                num_tokens=108,
                depth=1,
                drop_rate=0.2,
                num_heads=4,
                init_cfg=_base_.linear_init,
            ),
        ),
        head=_base_.model.head,
    ),
    # 0.3 of the loss from labels, the rest from the teacher
    head=dict(loss=dict(loss_weight=0.3)),
    logits_loss=dict(type='mmqcs.KLDistillLoss', temperature=2.0, loss_weight=0.7),
)
train_cfg = dict(max_epochs=200)
