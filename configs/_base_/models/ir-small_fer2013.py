# A small network for 48×48 faces: three levels of 6×6 tokens, 128 channels. QCS and DCS
# add a cross branch to it, so this is all that runs at test time.
# Narrow layers and few iterations need a stronger start than the published 0.01.
linear_init = dict(type='Xavier', layer='Linear', distribution='uniform')
loss = dict(type='mmqcs.SmoothCrossEntropyLoss', smoothing=0.1)

model = dict(
    type='mmqcs.FERClassifier',
    mirror=True,
    data_preprocessor=dict(
        type='mmqcs.FERDataPreprocessor',
        # the same for each channel, as the faces are grey
        mean=[127.5, 127.5, 127.5],
        std=[64.0, 64.0, 64.0],
        to_rgb=True,
        num_classes=7,
        erasing=dict(p=0.5, scale=(0.02, 0.2), ratio=(0.3, 3.3), value=0),
    ),
    backbone=dict(
        type='mmqcs.IRNet',
        depth=(2, 3, 3),
        mode='ir_se',
        variant='adaface',
        base_channels=40,
        out_indices=(0, 1, 2),
    ),
    neck=dict(
        type='mmqcs.TokenPyramidNeck',
        in_channels=(40, 80, 160),
        strides=(2, 4, 8),
        grid_stride=8,
        embed_dims=128,
        encoder=dict(
            type='mmqcs.TokenEncoder',
            num_tokens=108,
            depth=1,
            drop_rate=0.2,
            num_heads=4,
            init_cfg=linear_init,
        ),
    ),
    head=dict(
        type='mmqcs.GatedClsHead',
        num_classes=7,
        in_channels=128,
        loss=loss,
        init_cfg=linear_init,
    ),
)
