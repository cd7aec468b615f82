# QCS on RAF-DB, its backbone started from QCS trained on AffectNet-8. As in the
# published runs nothing but the backbone is taken over.
_base_ = './qcs_ir50_raf.py'

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
