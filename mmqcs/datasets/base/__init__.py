"""Base classes of the datasets that are read from disk."""

from mmqcs.datasets.readers import Sample

from .fer_dataset import FERDataset
from .folded_dataset import FoldedDataset
from .layouts import FoundLayout, Layout

__all__ = ['FERDataset', 'FoldedDataset', 'FoundLayout', 'Layout', 'Sample']
