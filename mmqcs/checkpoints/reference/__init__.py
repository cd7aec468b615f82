"""Converts the weights that the authors of QCS published."""

from .keys import ConvertedState, convert_reference_state_dict

__all__ = ['ConvertedState', 'convert_reference_state_dict']
