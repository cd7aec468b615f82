"""Turns the samples of a layout into the data list of a dataset."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from mmqcs.datasets.readers.listings import FolderNames, Sample


class Collection(NamedTuple):
    """Data infos, and what was found while they were collected."""

    data_list: list[dict]
    missing: list[Sample]
    """Samples whose image does not exist."""
    left_out: Counter[str]
    """Images of classes that the labels do not refer to, by class name."""
    repeated: list[Sample]
    """Samples that were listed before."""


def collect(
    samples: Iterable[Sample],
    classes: Sequence[str],
    mapping: np.ndarray,
    num_labels: int,
    several_faces: bool,
) -> Collection:
    """Check samples and convert them to data infos.

    Args:
        samples: What a layout reads.
        classes: Names of the C classes of the dataset.
        mapping: Label of each of these classes, (C,); −1 leaves it out.
        num_labels: Number of different labels K, the length of soft labels.
        several_faces: Whether an image can show several faces, each with a box.

    Raises:
        ValueError: A class is out of range, or an image has two classes.
    """
    labels = mapping.tolist()
    kept = mapping >= 0
    folders = FolderNames()
    found = Collection([], [], Counter(), [])
    seen: dict[Any, Sample] = {}
    for sample in samples:
        if not 0 <= sample.label < len(classes):
            raise ValueError(
                f'{sample.origin}: class {sample.label} (counted from 0) of '
                f'{sample.path} is not one of the {len(classes)} classes '
                f'{", ".join(classes)}'
            )
        path = sample.path if sample.listed else folders.find(sample.path)
        key: str | tuple = path or sample.path
        if several_faces:
            key = key, sample.extra['bbox']
        earlier = seen.setdefault(key, sample)
        if earlier.label != sample.label:
            raise ValueError(
                f'{sample.origin}: {sample.path} is {classes[sample.label]}, but '
                f'{classes[earlier.label]} in {earlier.origin}. Remove the wrong one'
            )
        label = labels[sample.label]
        if label < 0:
            found.left_out[classes[sample.label]] += 1
            continue
        if earlier is not sample:
            found.repeated.append(sample)
        if path is None:
            found.missing.append(sample)
            path = sample.path
        info = {'img_path': path, 'gt_label': label, **sample.extra}
        if sample.scores is not None:
            scores = np.zeros(num_labels, dtype=np.float32)
            scores[mapping[kept]] = sample.scores[kept]
            info['gt_score'] = scores / scores.sum()
        found.data_list.append(info)
    return found
