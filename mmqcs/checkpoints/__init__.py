"""Classifiers from files of unknown origin, loaded without running code in them."""

from .allowed_parts import ALLOWED_DATASETS, ALLOWED_MODELS, ALLOWED_TRANSFORMS
from .class_names import checkpoint_classes
from .classifier import LoadedClassifier, load_classifier
from .embedded_config import embedded_config
from .safe_load import CheckpointError, read_checkpoint
from .sources import DEFAULT_MODEL, load_config, model_kind
from .weights import check_fit, check_tensors, find_weights

__all__ = [
    'ALLOWED_DATASETS',
    'ALLOWED_MODELS',
    'ALLOWED_TRANSFORMS',
    'DEFAULT_MODEL',
    'CheckpointError',
    'LoadedClassifier',
    'check_fit',
    'check_tensors',
    'checkpoint_classes',
    'embedded_config',
    'find_weights',
    'load_classifier',
    'load_config',
    'model_kind',
    'read_checkpoint',
]
