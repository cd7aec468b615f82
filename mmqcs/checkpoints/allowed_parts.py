"""Parts that a config inside a checkpoint may name.

A registry builds any part by name, so a name is safe only if its part neither reads
files nor downloads anything when it is built. Deliberately left out: ``TIMMBackbone``,
``TimmClassifier`` and ``HuggingFaceClassifier`` (they download from a hub), tokenizers
and target generators (they load weights), ``ArcFaceClsHead`` (it can read a list), and
transforms that read other images or build other transforms, and ``LoRAModel`` (it loads
weights, and matches regular expressions that can take forever; ``LoRABackbone`` does
neither).
"""


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


OWN_MODELS = _names(
    """
    FERClassifier QCSClassifier DistilledClassifier FERDataPreprocessor IRNet
    LoRABackbone CSANeck TokenPyramidNeck TokenEncoder CrossBranch GatedClsHead
    BilinearFusionHead GroupLoss KLDistillLoss EuclideanDistillLoss
    SmoothCrossEntropyLoss LogitAdjustedLoss
    """
)

STOCK_MODELS = _names(
    """
    ImageClassifier ClsDataPreprocessor

    AlexNet CSPDarkNet CSPResNeXt CSPResNet Conformer ConvMixer ConvNeXt DaViT DeiT3
    DenseNet DistilledVisionTransformer EdgeNeXt EfficientFormer EfficientNet
    EfficientNetV2 HRNet HiViT HorNet InceptionV3 LeNet5 LeViT MViT MixMIMTransformer
    MlpMixer MobileNetV2 MobileNetV3 MobileOne MobileViT PCPVT PoolFormer PyramidVig
    RIFormer RegNet RepLKNet RepMLPNet RepVGG Res2Net ResNeSt ResNeXt ResNet ResNetV1c
    ResNetV1d ResNet_CIFAR RevVisionTransformer SEResNeXt SEResNet SVT ShuffleNetV1
    ShuffleNetV2 SwinTransformer SwinTransformerV2 T2T_ViT TNT TinyViT VAN VGG ViTEVA02
    BEiTViT Vig VisionTransformer XCiT

    ClsBatchNormNeck GeneralizedMeanPooling GlobalAveragePooling HRFuseScales LinearNeck
    NonLinearNeck

    CSRAClsHead ClsHead ConformerHead DeiTClsHead EfficientFormerClsHead
    LeViTClsHead LinearClsHead StackedLinearClsHead VigClsHead VisionTransformerClsHead

    AsymmetricLoss CrossEntropyLoss FocalLoss LabelSmoothLoss SeesawLoss

    BN BN1d BN2d BN3d GN GRN IN IN1d IN2d IN3d LN LN2d MMSyncBN SyncBN
    Conv Conv1d Conv2d Conv2dAdaptivePadding ConvAWS ConvModule ConvWS
    zero reflect replicate nearest bilinear
    Clamp Clip ELU GELU HSigmoid HSwish LeakyReLU PReLU QuickGELU RReLU ReLU ReLU6
    Sigmoid SiLU Swish Tanh
    DropPath Dropout FFN MultiheadAttention ShiftWindowMSA
    """
)

ALLOWED_MODELS = {'mmqcs': OWN_MODELS, 'mmpretrain': STOCK_MODELS}
"""Models and their parts, by scope."""

ALLOWED_TRANSFORMS = {
    'mmqcs': frozenset({'SampleFace', 'CropFace'}),
    'mmpretrain': _names(
        """
        LoadImageFromFile Resize ResizeEdge CenterCrop EfficientNetCenterCrop Pad
        Normalize NumpyToPIL PILToNumpy PackInputs Collect torchvision/Resize
        torchvision/CenterCrop torchvision/Grayscale torchvision/Pad
    """
    ),
}
"""Transforms of a test pipeline, by scope."""

ALLOWED_DATASETS = {
    'mmqcs': None,
    'mmpretrain': frozenset({'BaseDataset', 'CIFAR10', 'CIFAR100', 'CustomDataset'}),
}
"""Datasets whose class names may be used, by scope; None allows all."""
