# QCS on any backbone, for images of 224 pixels: three levels of 7 × 7 tokens with 256
# channels. The recipe sets the backbone and three of its stages; their channels and
# strides are inferred.
model = dict(
    type='mmqcs.QCSClassifier',
    data_preprocessor=dict(
        type='mmqcs.FERDataPreprocessor',
        # ImageNet statistics, RGB
        mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375],
        to_rgb=True,
        num_classes=7,
        erasing=dict(p=0.5, scale=(0.02, 0.1), ratio=(0.3, 3.3), value=0),
    ),
    neck=dict(
        type='mmqcs.TokenPyramidNeck',
        grid_stride=32,
        embed_dims=256,
        encoder=dict(type='mmqcs.TokenEncoder', num_tokens=147, depth=2),
    ),
    head=dict(type='mmqcs.GatedClsHead', num_classes=7, in_channels=256),
    cross=dict(
        type='mmqcs.CrossBranch',
        attention=dict(
            type='mmqcs.CSANeck', embed_dims=256, num_levels=3, group='quadruplet'
        ),
        encoder=dict(
            type='mmqcs.TokenEncoder',
            num_tokens=147,
            embed_dims=256,
            depth=1,
            out_type='cls_token',
        ),
        head=dict(type='mmqcs.GatedClsHead', num_classes=7, in_channels=256),
    ),
)
