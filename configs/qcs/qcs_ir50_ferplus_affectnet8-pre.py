# QCS on FERPlus, starting from the backbone of QCS trained on AffectNet-8. As in the
# published runs, no other weights are taken from it.
_base_ = './qcs_ir50_ferplus.py'

model = dict(
    backbone=dict(
        init_cfg=dict(
            _delete_=True,
            type='Pretrained',
            checkpoint='checkpoints/qcs_ir50_affectnet8.pth',
            prefix='backbone.',
        )
    )
)
