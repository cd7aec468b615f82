"""Set-up and checkpoints."""

from mmqcs import openmmlab  # noqa: F401

from .model_index import register_model_index
from .publish import inference_config
from .reference import ConvertedState, convert_reference_state_dict
from .safe_load import CheckpointError, read_checkpoint
from .setup_env import register_all_modules

__all__ = [
    'CheckpointError',
    'ConvertedState',
    'convert_reference_state_dict',
    'inference_config',
    'read_checkpoint',
    'register_all_modules',
    'register_model_index',
]
