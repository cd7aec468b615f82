"""What the page shows of single faces: what the network looks at, and compares."""

import cv2
import numpy as np

from mmqcs.apis import FaceClassifier
from mmqcs.visualization.attention import attention_map
from mmqcs.visualization.overlay import overlay_heat_map
from mmqcs.visualization.similarity import token_similarity

__all__ = ['SIDE', 'attention_picture', 'similarity_pictures']

SIDE = 336
"""Side of the pictures in pixels."""


def attention_picture(
    classifier: FaceClassifier, face: np.ndarray, label: int | None = None
) -> np.ndarray:
    """What speaks for a class in a face.

    Args:
        classifier: The model.
        face: BGR, uint8 (H, W, 3).
        label: The class. By default the predicted one.

    Returns:
        RGB, uint8 (SIDE, SIDE, 3).
    """
    inputs = classifier.prepare([face])
    labels = None if label is None else inputs.new_tensor([label]).long()
    (heat,) = attention_map(classifier.model, inputs, labels).cpu().numpy()
    return overlay_heat_map(_view(classifier, face), heat)


def similarity_pictures(
    classifier: FaceClassifier,
    first: np.ndarray,
    second: np.ndarray,
    differing: bool = False,
) -> tuple[np.ndarray, np.ndarray]:
    """Where two faces agree, or differ, by the scores of cross similarity attention.

    Args:
        classifier: A model with cross similarity attention.
        first: BGR, uint8 (H, W, 3).
        second: BGR, uint8 (H, W, 3).
        differing: Whether to show where they differ.

    Returns:
        Two RGB pictures, uint8 (SIDE, SIDE, 3). A token as similar as the average of
        its face has the middle colour; the range is that of both faces. Scores are
        the mean of all levels.

    Raises:
        ValueError: The model has no such attention.
    """
    inputs = classifier.prepare([first, second])
    scores = token_similarity(classifier.model, inputs[:1], inputs[1:], differing)
    heats = [levels[:, 0].mean(0).cpu().numpy() for levels in scores]
    reach = max(float(np.abs(heat - 1).max()) for heat in heats) or 1.0
    pictures = [
        overlay_heat_map(_view(classifier, face), heat, 1 - reach, 1 + reach)
        for face, heat in zip((first, second), heats, strict=True)
    ]
    return pictures[0], pictures[1]


def _view(classifier: FaceClassifier, face: np.ndarray) -> np.ndarray:
    """What the network sees, enlarged, as RGB."""
    (view,) = classifier.views([face])
    large = cv2.resize(view, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)
    return cv2.cvtColor(large, cv2.COLOR_BGR2RGB)
