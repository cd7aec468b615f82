# Faster R-CNN with QCS between the regions of a batch. The 7 × 7 features of a face are
# 49 tokens, which CSA refines with those of other faces of the batch, in training only.
_base_ = './faster-rcnn_ir-small_fpn_synthfer.py'

channels = {{_base_.channels}}
linear_init = dict(type='Xavier', layer='Linear', distribution='uniform')

model = dict(
    roi_head=dict(
        type='mmqcs.QCSRoIHead',
        max_groups=32,
        cross=dict(
            type='mmqcs.CrossBranch',
            attention=dict(type='mmqcs.CSANeck', embed_dims=channels, num_levels=1),
            encoder=dict(
                type='mmqcs.TokenEncoder',
                num_tokens=49,
                embed_dims=channels,
                num_heads=4,
                out_type='cls_token',
                init_cfg=linear_init,
            ),
            head=dict(
                type='mmqcs.GatedClsHead',
                num_classes=7,
                in_channels=channels,
                init_cfg=linear_init,
            ),
        ),
    ),
)
