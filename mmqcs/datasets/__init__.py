"""Datasets, samplers and transforms."""

from mmqcs import openmmlab  # noqa: F401

from .affect_net import AffectNet
from .caer_s import CAERS
from .ck_plus import CKPlus
from .collate import collate_faces
from .concat_dataset import ConcatDataset
from .exp_w import ExpW
from .fer2013 import FER2013
from .fer_plus import FERPlus
from .jaffe import JAFFE
from .kdef import KDEF
from .raf_db import RAFDB
from .samplers.balanced_sampler import BalancedSampler
from .samplers.group_batch_sampler import PairBatchSampler, QuadrupletBatchSampler
from .synth_fer import SynthFER
from .transforms import CropFace, JitterColor, SampleFace, WarpFace

__all__ = [
    'CAERS',
    'FER2013',
    'JAFFE',
    'KDEF',
    'RAFDB',
    'AffectNet',
    'BalancedSampler',
    'CKPlus',
    'ConcatDataset',
    'CropFace',
    'ExpW',
    'FERPlus',
    'JitterColor',
    'PairBatchSampler',
    'QuadrupletBatchSampler',
    'SampleFace',
    'SynthFER',
    'WarpFace',
    'collate_faces',
]
