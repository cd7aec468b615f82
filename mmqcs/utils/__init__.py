"""Set-up and checkpoints."""

from .reference import ConvertedState, convert_reference_state_dict
from .setup_env import register_all_modules

__all__ = ['ConvertedState', 'convert_reference_state_dict', 'register_all_modules']
