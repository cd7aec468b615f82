# QCS on IR-50: three pyramid levels of 7 × 7 tokens with 768 channels. Recipes also set
# data_preprocessor.erasing.step, which is that of their pipelines.
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
    backbone=dict(
        type='mmqcs.IRNet',
        depth=50,
        input_size=112,
        out_indices=(0, 1, 2),
        # MS-Celeb-1M weights, used if the file exists: see configs/qcs/README.md
        init_cfg=dict(
            type='mmqcs.OptionalPretrained', checkpoint='checkpoints/ir50.pth'
        ),
    ),
    neck=dict(
        type='mmqcs.TokenPyramidNeck',
        in_channels=(64, 128, 256),
        strides=(2, 4, 8),
        embed_dims=768,
        encoder=dict(type='mmqcs.TokenEncoder', num_tokens=147, depth=2),
    ),
    head=dict(type='mmqcs.GatedClsHead', num_classes=7, in_channels=768),
    cross=dict(
        type='mmqcs.CrossBranch',
        attention=dict(
            type='mmqcs.CSANeck',
            embed_dims=768,
            num_levels=3,
            group='quadruplet',
            residual='normed',
        ),
        encoder=dict(
            type='mmqcs.TokenEncoder', num_tokens=147, depth=1, out_type='cls_token'
        ),
        head=dict(type='mmqcs.GatedClsHead', num_classes=7, in_channels=768),
    ),
)
