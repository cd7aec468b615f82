"""Data sets and samplers."""

from .raf_db import RAFDB
from .samplers import BalancedSampler, PairBatchSampler, QuadrupletBatchSampler
from .synth_fer import SynthFER

__all__ = [
    'RAFDB',
    'BalancedSampler',
    'PairBatchSampler',
    'QuadrupletBatchSampler',
    'SynthFER',
]
