# QCS on CIFAR-10, without faces: three levels of 4 × 4 tokens.
_base_ = 'mmpretrain::resnet/resnet18_8xb16_cifar10.py'

encoder = dict(type='mmqcs.TokenEncoder', num_tokens=48, embed_dims=192, depth=1)
head = dict(type='mmqcs.GatedClsHead', num_classes=10, in_channels=192)

model = dict(
    _delete_=True,
    type='mmqcs.QCSClassifier',
    backbone=dict(type='ResNet_CIFAR', depth=18, out_indices=(1, 2, 3)),
    neck=dict(
        type='mmqcs.TokenPyramidNeck', grid_stride=8, embed_dims=192, encoder=encoder
    ),
    head=head,
    cross=dict(
        type='mmqcs.CrossBranch',
        attention=dict(
            type='mmqcs.CSANeck', embed_dims=192, num_levels=3, group='quadruplet'
        ),
        encoder=dict(encoder, out_type='cls_token'),
        head=head,
    ),
    input_size=32,
)

train_dataloader = dict(
    batch_size=32,
    batch_sampler=dict(type='mmqcs.QuadrupletBatchSampler'),
    collate_fn=dict(type='mmqcs.collate_faces'),
)

optim_wrapper = dict(type='mmqcs.SAMOptimWrapper', rho=0.05)
custom_hooks = [dict(type='mmqcs.SAMHook'), dict(type='mmqcs.ReportHook')]
