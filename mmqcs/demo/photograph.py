"""Handlers of the tab Photograph: faces, scores, evidence, and a comparison."""

from dataclasses import dataclass, replace
from threading import Lock
from typing import Any

import cv2
import gradio as gr
import numpy as np
from mmpretrain.models import ImageClassifier

from mmqcs.apis import FaceClassifier, FERInferencer, ImageResult
from mmqcs.apis.drawing import draw_faces, reduce_image
from mmqcs.explain import attention_map, csa_neck, token_similarity
from mmqcs.visualization import overlay_heat_map

from .messages import summarize, upload_error

HINT = 'Upload an image, take one with the camera, or paste one.'
WAYS = ('where they agree', 'where they differ')

SHOWN_SIDE = 2048
"""Maximum side in pixels of an annotated image that is sent to the browser."""

CUT_SIDE = 512
"""Maximum side in pixels of a face that a session keeps."""

SIDE = 336
"""Side of the heat maps in pixels."""


@dataclass(frozen=True)
class Seen:
    """The faces of an uploaded image."""

    result: ImageResult
    cuts: tuple[np.ndarray, ...]


class Photograph:
    """Event handlers for photographs; inputs are files, outputs are RGB arrays.

    Args:
        infer: The inferencer.
        lock: Held while the network is in use.
    """

    def __init__(self, infer: FERInferencer, lock: Lock) -> None:
        self.infer = infer
        self.classifier: FaceClassifier = infer.classifier  # type: ignore[assignment]
        self.lock = lock

    def look(self, path: str) -> Seen:
        """Find and classify the faces of an image file, or of its first frame.

        Raises:
            gradio.Error: The image cannot be read. The page shows the message.
        """
        with self.lock:
            result = next(self.infer.stream(path, keep_images=True))
        if result.image is None:
            raise upload_error(str(result.error), path)
        image = result.image
        cuts = (self.infer.cut(image, item.face) for item in result.faces)
        return Seen(result, tuple(reduce_image(cut, CUT_SIDE) for cut in cuts))

    def analyse(self, path: str | None) -> tuple[Any, ...]:
        """Handle a new image: show its faces, and the scores of the first face."""
        if path is None:
            nothing = gr.update(choices=[], value=None, visible=False)
            return None, HINT, None, nothing, None, None
        seen = self.look(path)
        faces = seen.result.faces
        drawn = draw_faces(seen.result.image, seen.result)  # type: ignore[arg-type]
        drawn = reduce_image(drawn, SHOWN_SIDE)[..., ::-1]
        seen = replace(seen, result=replace(seen.result, image=None))  # saves memory
        choices = [f'{i}: {face.name}' for i, face in enumerate(faces, 1)]
        first = choices[0] if choices else None
        choice = gr.update(choices=choices, value=first, visible=len(choices) > 1)
        return drawn, summarize(seen.result), seen, choice, *self.show(seen, first)

    def show(
        self, seen: Seen | None, choice: str | None
    ) -> tuple[dict[str, float] | None, np.ndarray | None]:
        """Handle the choice of a face: show its scores and a map of its class."""
        if seen is None or not choice:
            return None, None
        number = int(choice.partition(':')[0]) - 1
        face = seen.result.faces[number]
        scores = zip(seen.result.classes, map(float, face.scores), strict=True)
        with self.lock:
            heat = attention_overlay(self.classifier, seen.cuts[number])
        return dict(scores), heat

    def compare(
        self, seen: Seen | None, choice: str | None, path: str | None, way: str
    ) -> tuple[str, np.ndarray | None, np.ndarray | None]:
        """Handle a second image: compare its largest face with the chosen one."""
        if path is None:
            return '', None, None
        if seen is None or not seen.cuts:
            return 'The first image needs a face.', None, None
        other = self.look(path)
        if not other.cuts:
            return f'Second image: {summarize(other.result)}', None, None
        number = int(choice.partition(':')[0]) - 1 if choice else 0
        with self.lock:
            overlays = similarity_overlays(
                self.classifier,
                seen.cuts[number],
                other.cuts[0],
                differing=way == WAYS[1],
            )
        names = (seen.result.faces[number].name, other.result.faces[0].name)
        return f'First face: **{names[0]}**. Second face: **{names[1]}**.', *overlays


def can_compare(model: ImageClassifier) -> bool:
    """Return whether a network has the attention that compares two faces."""
    try:
        csa_neck(model)
    except ValueError:
        return False
    return True


def attention_overlay(classifier: FaceClassifier, face: np.ndarray) -> np.ndarray:
    """Overlay a BGR face with the evidence for its class, RGB."""
    (heat,) = attention_map(classifier.model, classifier.prepare([face])).cpu().numpy()
    return overlay_heat_map(_view(classifier, face), heat)


def similarity_overlays(
    classifier: FaceClassifier,
    first: np.ndarray,
    second: np.ndarray,
    differing: bool = False,
) -> tuple[np.ndarray, np.ndarray]:
    """Overlay two BGR faces with maps of where they agree, or differ.

    The maps are scores of cross similarity attention, averaged over the levels. Both
    have the same range of colours. Tokens with the mean score of their face have the
    middle colour.
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
