"""Building classifiers from files of unknown origin without running their code."""

from .allowed_parts import ALLOWED_DATASETS, ALLOWED_MODELS, ALLOWED_TRANSFORMS
from .embedded_config import embedded_config
from .weights import check_fit, check_tensors, checkpoint_classes, find_weights

__all__ = [
    'ALLOWED_DATASETS',
    'ALLOWED_MODELS',
    'ALLOWED_TRANSFORMS',
    'check_fit',
    'check_tensors',
    'checkpoint_classes',
    'embedded_config',
    'find_weights',
]
