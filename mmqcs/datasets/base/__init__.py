"""Base classes of the datasets that are read from disk."""

from mmqcs.datasets.readers import Sample

from .coded_dataset import CodedDataset
from .fer_dataset import FERDataset
from .folded_dataset import FoldedDataset
from .layouts import FoundLayout, Layout

__all__ = [
    'CodedDataset',
    'FERDataset',
    'FoldedDataset',
    'FoundLayout',
    'Layout',
    'Sample',
]
