"""Compiled blocks and CUDA graphs: faster, with the same results up to rounding."""

from .blocks import compile_blocks
from .inference_graph import InferenceGraph
from .training_graph import TrainingGraph

__all__ = ['InferenceGraph', 'TrainingGraph', 'compile_blocks']
