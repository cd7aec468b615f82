"""The images of the worst errors of a run."""

from collections.abc import Sized
from typing import Any, NamedTuple

import cv2
import numpy as np
from mmengine.fileio import get

from .predictions import Predictions


class WorstErrors(NamedTuple):
    """Images of the worst errors, as arguments of ``contact_sheet``."""

    images: list[np.ndarray | None]
    captions: list[str]
    title: str


def load_image(info: dict[str, Any]) -> np.ndarray | None:
    """Load the image of a dataset item before the pipeline, RGB, uint8 (H, W, 3).

    The item has ``img_path``, or ``img``, RGB or grey, as in MMPretrain's datasets that
    are held in memory. The result is None if the image cannot be read.
    """
    image = info.get('img')
    if image is None:
        try:
            content = np.frombuffer(get(info['img_path']), np.uint8)
            image = cv2.imdecode(content, cv2.IMREAD_COLOR)
        except (KeyError, OSError, ValueError, cv2.error):
            return None
        return None if image is None else cv2.cvtColor(image, cv2.COLOR_BGR2RGB)
    image = np.asarray(image)
    if image.ndim == 2:
        image = np.stack([image] * 3, axis=-1)
    return image if image.ndim == 3 and image.shape[2] == 3 else None


def _find_image(path: str, index: int, dataset: Any) -> np.ndarray | None:
    """Load an image by its path, or by its index in the innermost dataset."""
    if path:
        return load_image({'img_path': path})
    while hasattr(dataset, 'dataset'):
        dataset = dataset.dataset
    if index < 0 or hasattr(dataset, 'datasets'):  # an index in one of several datasets
        return None
    return load_image(dataset.get_data_info(index))


def worst_errors(
    predictions: Predictions, dataset: Sized, count: int
) -> WorstErrors | None:
    """Load the images of the most confident errors, the worst first.

    Images without a path come from ``get_data_info`` of the dataset. Without errors the
    result is None.
    """
    worst = predictions.hardest_errors(count)
    if not len(worst):
        return None
    wrong = int((predictions.labels != predictions.predicted).sum())
    return WorstErrors(
        images=[
            _find_image(predictions.paths[i], int(predictions.indices[i]), dataset)
            for i in worst
        ],
        captions=[predictions.caption(i) for i in worst],
        title=f'The {len(worst)} most confident errors, of {wrong} errors in '
        f'{len(predictions.labels)} images',
    )
