"""A contact sheet of the worst errors."""

from collections.abc import Sized
from typing import Any

import cv2
import numpy as np
from matplotlib.figure import Figure
from mmengine.fileio import get

from mmqcs.runs.predictions import Predictions

from .sheets import contact_sheet

__all__ = ['errors_figure', 'load_picture']


def load_picture(info: dict[str, Any]) -> np.ndarray | None:
    """The picture of an item of a data set, as it is before the pipeline.

    Args:
        info: What ``get_data_info`` gives: with ``img``, RGB (H, W, 3) or grey (H, W)
            as in MMPretrain's data sets that lie in memory, or ``img_path``, which is
            read by MMEngine.

    Returns:
        RGB, uint8 (H, W, 3), or None if it cannot be read.
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


def _find_picture(path: str, index: int, dataset: Any) -> np.ndarray | None:
    """By its path; else by its number in the data set that wrappers lie around."""
    if path:
        return load_picture({'img_path': path})
    while hasattr(dataset, 'dataset'):
        dataset = dataset.dataset
    if index < 0 or hasattr(dataset, 'datasets'):  # a number within one of several
        return None
    return load_picture(dataset.get_data_info(index))


def errors_figure(
    predictions: Predictions, dataset: Sized, count: int, columns: int = 8
) -> Figure | None:
    """Draws the errors that a model is surest of, the worst first.

    Args:
        predictions: Of the data set.
        dataset: Gives the images that have no path, by ``get_data_info``.
        count: Most images that are drawn.
        columns: Images in a row.

    Returns:
        The figure, or None if there are no errors.
    """
    worst = predictions.hardest_errors(count)
    if not len(worst):
        return None
    images = [
        _find_picture(predictions.paths[i], int(predictions.indices[i]), dataset)
        for i in worst
    ]
    wrong = int((predictions.labels != predictions.predicted).sum())
    title = (
        f'The {len(worst)} errors with the highest confidence, of {wrong} errors in '
        f'{len(predictions.labels)} images'
    )
    captions = [predictions.caption(i) for i in worst]
    return contact_sheet(images, captions, columns, title)
