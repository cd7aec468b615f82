"""Compares the classes of a model with those of its datasets."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from mmengine.model import BaseDataPreprocessor
from mmpretrain.models.heads import ClsHead, MultiLabelClsHead
from torch import nn

from mmqcs.expressions import expression
from mmqcs.functional.dataset_labels import dataset_labels


def check_classes(model: nn.Module, datasets: Mapping[str, Any]) -> None:
    """Compare the classes of heads, preprocessors and datasets.

    Args:
        model: The model, without a wrapper for parallel training.
        datasets: The dataset of each split, by the name of its data loader.

    Raises:
        ValueError: Two parts differ in the number of classes, two splits differ in
            their classes or the order of them, or a label is out of range.
    """
    counts = dict(_model_counts(model))
    names = {}
    for split, dataset in datasets.items():
        for i, leaf in enumerate(leaves(dataset)):
            classes = (getattr(leaf, 'metainfo', None) or {}).get('classes')
            if classes:
                title = f'{split}.dataset' + (f' (part {i + 1})' if i else '')
                names[title] = tuple(classes)
    first, *others = names.items() or [('', ())]
    for title, classes in others:
        if [*map(_standard, first[1])] != [*map(_standard, classes)]:
            raise ValueError(
                f'{first[0]} has the classes {", ".join(map(str, first[1]))}, but '
                f'{title} has {", ".join(map(str, classes))}. Set the same label_order '
                f'(or classes) in both'
            )
    for part, count in counts.items():
        if names and count != len(first[1]):
            raise ValueError(
                f'{part} has {count} classes, but {first[0]} has {len(first[1])}: '
                f'{", ".join(map(str, first[1]))}. Set {part}.num_classes='
                f'{len(first[1])}, or change the classes of the dataset'
            )
    if len(set(counts.values())) > 1:
        listed = ', '.join(f'{part} {count}' for part, count in counts.items())
        raise ValueError(
            f'parts of the model differ in the number of classes: {listed}. Set the '
            f'same num_classes in all of them'
        )
    total = next(iter(counts.values()), len(first[1]))
    if total:
        for split, dataset in datasets.items():
            _check_range(split, dataset, total)


def _model_counts(model: nn.Module) -> Iterator[tuple[str, int]]:
    """Yield name and number of classes of each head and preprocessor."""
    for name, module in model.named_modules():
        is_head = isinstance(module, (ClsHead, MultiLabelClsHead))
        if not is_head and not isinstance(module, BaseDataPreprocessor):
            continue
        if '.task_heads.' in f'.{name}':  # each task has its own classes
            continue
        count = getattr(module, 'num_classes', None)
        if isinstance(count, int):
            yield f'model.{name}', count


def leaves(dataset: Any) -> Iterator[Any]:
    """Yield the datasets inside wrappers such as ConcatDataset and RepeatDataset."""
    if hasattr(dataset, 'datasets'):
        for part in dataset.datasets:
            yield from leaves(part)
    elif hasattr(dataset, '_dataset') or hasattr(dataset, 'dataset'):
        yield from leaves(getattr(dataset, '_dataset', None) or dataset.dataset)
    else:
        yield dataset


def _standard(name: Any) -> Any:
    """Return the usual spelling of an expression, and other names as they are."""
    try:
        return expression(name)
    except (ValueError, AttributeError):
        return name


def _check_range(split: str, dataset: Any, total: int) -> None:
    if not hasattr(dataset, 'get_data_info') or getattr(dataset, 'lazy_init', False):
        return
    try:
        labels = dataset_labels(dataset)
    except (ValueError, TypeError):  # no labels, or several labels per image
        return
    bad = np.flatnonzero((labels < 0) | (labels >= total))
    if bad.size:
        raise ValueError(
            f'label {labels[bad[0]]} of image {bad[0]} of {split}.dataset is out of '
            f'range for {total} classes (0 to {total - 1})'
        )
