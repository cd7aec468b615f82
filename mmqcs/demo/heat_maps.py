"""Heat maps of single faces and of pairs of faces."""

import cv2
import numpy as np

from mmqcs.apis import FaceClassifier
from mmqcs.explain import attention_map, token_similarity
from mmqcs.visualization import overlay_heat_map

__all__ = ['SIDE', 'attention_overlay', 'similarity_overlays']

SIDE = 336
"""Side of the heat maps in pixels."""


def attention_overlay(
    classifier: FaceClassifier, face: np.ndarray, label: int | None = None
) -> np.ndarray:
    """Overlay a face with a map of the evidence for a class.

    Args:
        classifier: Classifier.
        face: BGR, uint8 (H, W, 3).
        label: Class. Defaults to the predicted class.

    Returns:
        RGB, uint8 (SIDE, SIDE, 3).
    """
    inputs = classifier.prepare([face])
    labels = None if label is None else inputs.new_tensor([label]).long()
    (heat,) = attention_map(classifier.model, inputs, labels).cpu().numpy()
    return overlay_heat_map(_view(classifier, face), heat)


def similarity_overlays(
    classifier: FaceClassifier,
    first: np.ndarray,
    second: np.ndarray,
    differing: bool = False,
) -> tuple[np.ndarray, np.ndarray]:
    """Overlay two faces with maps of where they agree, or differ.

    The maps are scores of cross similarity attention, averaged over the levels.

    Args:
        classifier: Classifier with cross similarity attention.
        first: BGR, uint8 (H, W, 3).
        second: BGR, uint8 (H, W, 3).
        differing: Whether to show where the faces differ.

    Returns:
        Two RGB images, uint8 (SIDE, SIDE, 3), with the same range of colours. Tokens
        with the mean score of their face have the middle colour.

    Raises:
        ValueError: The model has no cross similarity attention.
    """
    inputs = classifier.prepare([first, second])
    scores = token_similarity(classifier.model, inputs[:1], inputs[1:], differing)
    heats = [levels[:, 0].mean(0).cpu().numpy() for levels in scores]
    reach = max(float(np.abs(heat - 1).max()) for heat in heats) or 1.0
    overlays = [
        overlay_heat_map(_view(classifier, face), heat, 1 - reach, 1 + reach)
        for face, heat in zip((first, second), heats, strict=True)
    ]
    return overlays[0], overlays[1]


def _view(classifier: FaceClassifier, face: np.ndarray) -> np.ndarray:
    """Return the input of the network, enlarged, as RGB."""
    (view,) = classifier.views([face])
    large = cv2.resize(view, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)
    return cv2.cvtColor(large, cv2.COLOR_BGR2RGB)
