"""Finds faces in images and videos, and classifies their expressions."""

import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np
from mmengine.config import Config

from mmqcs.checkpoints import DEFAULT_MODEL, model_kind
from mmqcs.deployment import OnnxClassifier
from mmqcs.faces import Face, FaceDetector, MTCNNDetector, WholeImage, cut_face
from mmqcs.faces.alignment import ARCFACE, check_template
from mmqcs.media.files import ImageError
from mmqcs.media.frames import Frame, frames
from mmqcs.media.inputs import Inputs, describe_left_out, expand

from .face_classifier import FaceClassifier
from .orientation import other_orientation
from .results import FaceExpression, ImageResult
from .tracking import FaceTracker


class Classifier(Protocol):
    """Interface of classifiers of cropped faces."""

    @property
    def classes(self) -> Sequence[str]:
        """Class names, in the order of the scores."""

    def __call__(self, faces: Sequence[np.ndarray], /) -> np.ndarray:
        """Return scores (N, classes) of N faces, BGR, uint8 (H, W, 3)."""


BATCH_PIXELS = 2**25
"""Maximum number of pixels of images that wait for a batch (100 MB); a larger image is
processed alone."""


class FERInferencer:
    """Finds faces in images, videos and cameras, and classifies their expressions.

    Args:
        model: Config, its file or its name; a checkpoint that contains its config (see
            :class:`FaceClassifier`); a file of ``mmqcs export``; or
            a classifier, which is any callable with ``classes`` that maps BGR faces to
            scores (N, classes), such as :class:`mmqcs.deployment.OnnxClassifier`.
            Defaults to the network that comes with the package.
        checkpoint: Weights for a config. Without weights, the model is random and a
            warning is issued.
        faces: Face detector: ``'mtcnn'`` on the device of the classifier; ``'none'``
            for images that are cropped faces; or an object with a method ``detect``,
            such as :class:`mmqcs.faces.YuNetDetector`.
        template: Positions of eyes, nose and corners of the mouth in an aligned face:
            five (x, y) as fractions of its side. Must be that of the training data.
            Defaults to ``face_template`` of the classifier, which comes from its
            config, else to the template of ArcFace.
        size: Side of an aligned face in pixels, before the test pipeline.
        margin: Margin on each side of faces without points, which are cropped by their
            boxes, as a fraction of the longer side.
        device: Device of classifier and detector. Defaults to a GPU if there is one.
        batch_size: Number of faces per forward pass.
        batch_frames: Maximum number of images whose faces are collected for a batch;
            fewer if the images are large.
        trust: Whether a checkpoint may run code; see :class:`FaceClassifier`.

    Raises:
        ImportError: The package ``mtcnn`` is missing.
        ValueError: An argument is invalid; the message says what to do.
        FileNotFoundError, CheckpointError: See :class:`FaceClassifier`.

    Examples:
        >>> infer = FERInferencer()
        >>> (result,) = infer('group.png')
        >>> len(result.faces), result.faces[0].name in infer.classes
        (3, True)
        >>> [result.time for result in infer.stream('film.mp4')]  # frame by frame
        [0.0, 0.1, 0.2]
    """

    def __init__(
        self,
        model: str | Path | Config | Classifier = DEFAULT_MODEL,
        checkpoint: str | Path | None = None,
        faces: str | FaceDetector = 'mtcnn',
        template: Sequence[Sequence[float]] | None = None,
        size: int = 112,
        margin: float = 0.1,
        device: str | None = None,
        batch_size: int = 32,
        batch_frames: int = 8,
        trust: bool = False,
    ) -> None:
        for name, value in (('size', size), ('batch_frames', batch_frames)):
            if value < 1:
                raise ValueError(f'{name} must be at least 1, got {value}')
        if not margin >= 0:
            raise ValueError(f'margin must be ≥ 0, got {margin}')
        self.size = size
        self.margin = margin
        self.batch_frames = batch_frames
        self.detector = _detector(faces, device)
        if isinstance(model, (str, Path, Config)):
            if model_kind(model) == 'onnx':
                model = _onnx_classifier(model, checkpoint, device, batch_size)
            else:
                model = FaceClassifier(model, checkpoint, device, batch_size, trust)
        self.classifier: Classifier = model
        self.classes: tuple[str, ...] = tuple(self.classifier.classes)
        if template is None:
            template = getattr(model, 'face_template', None)
        self.template = check_template(ARCFACE if template is None else template)

    def __call__(
        self, inputs: Inputs, every: int = 1, smooth: bool = True
    ) -> list[ImageResult]:
        """Find and classify the faces of all images.

        Args:
            inputs: Path of an image, a video or a folder of these, or a wildcard
                (``'photos/*.jpg'``); encoded image as bytes or an open file; Pillow
                image; BGR array; or any iterable of these.
            every: Use every ``every``-th frame of a video or an animation.
            smooth: Whether to smooth the scores of each face of a video over time.

        Returns:
            One result per image, and per frame of a video, an animation or a file of
            several pages, in order.

        Raises:
            TypeError: An input has another type.
            FileNotFoundError, mmqcs.apis.ImageError: An input cannot be read. To
                continue with the others, use :meth:`stream`.
        """
        return list(self.stream(inputs, every, on_error='raise', smooth=smooth))

    def stream(
        self,
        inputs: Inputs,
        every: int = 1,
        on_error: str = 'record',
        keep_images: bool = False,
        smooth: bool = True,
    ) -> Iterator[ImageResult]:
        """Find and classify faces and yield the results one by one, in constant memory.

        In videos, animations and cameras, each face has a number in ``track``, which it
        keeps from frame to frame; see :class:`mmqcs.apis.tracking.FaceTracker`.

        A warning counts files in folders that are neither images nor videos.

        Args:
            inputs: As in a call, the number of a camera, or a
                :class:`~mmqcs.media.read_image.Frame`.
            every: Use every ``every``-th frame of a video or an animation.
            on_error: ``'record'`` to continue after an input that cannot be read, and
                to yield a result with ``error`` for it; ``'raise'`` to raise.
            keep_images: Whether results contain their images.
            smooth: Whether to smooth the scores of each face of a video over time.
        """
        if on_error not in ('record', 'raise'):
            raise ValueError(f"on_error must be 'record' or 'raise', got {on_error!r}")
        if every < 1:
            raise ValueError(f'every must be at least 1, got {every}')
        tracker = FaceTracker(smooth)
        for found in self._results(inputs, every, on_error):
            result = tracker.update(found)
            if not keep_images:
                result = result.without_image()
            del found  # to free a large image before the next is read
            yield result
            del result

    def _results(
        self, inputs: Inputs, every: int, on_error: str
    ) -> Iterator[ImageResult]:
        """Yield the results of all images, each with its image."""
        left_out: Counter[str] = Counter()
        waiting: list[Frame] = []
        for number, item in enumerate(expand(inputs, left_out)):
            live = isinstance(item, int)
            for frame in frames(item, number, every):
                waiting.append(frame)
                del frame  # to free a large image before the next is read
                if live or self._is_full(waiting):
                    yield from self._classify(waiting, on_error)
        yield from self._classify(waiting, on_error)
        for line in describe_left_out(left_out):
            warnings.warn(line, stacklevel=3)

    def _is_full(self, waiting: list[Frame]) -> bool:
        pixels = sum(x.image.size // 3 for x in waiting if x.image is not None)
        return len(waiting) >= self.batch_frames or pixels >= BATCH_PIXELS

    def cut(self, image: np.ndarray, face: Face) -> np.ndarray:
        """Crop a face of a BGR image for the classifier, before the test pipeline."""
        return cut_face(image, face, self.size, self.template, self.margin)

    def _classify(self, waiting: list[Frame], on_error: str) -> Iterator[ImageResult]:
        """Classify the faces of images, and remove the images from the list."""
        found = self._find(waiting, on_error)
        waiting.clear()
        cuts = [self.cut(x.image, face) for x, faces, _ in found for face in faces]  # type: ignore[arg-type]
        scores = iter(self.classifier(cuts) if cuts else ())
        for _ in range(len(found)):  # no result is kept in memory
            frame, faces, note = found.pop(0)
            yield ImageResult(
                source=frame.source,
                classes=self.classes,
                faces=tuple(self._name(face, next(scores)) for face in faces),
                size=None if frame.image is None else frame.image.shape[1::-1],
                index=frame.index,
                time=frame.time,
                rate=frame.rate,
                error=None if frame.error is None else str(frame.error),
                note=note,
                image=frame.image,
            )
            del frame

    def _find(
        self, frames: Sequence[Frame], on_error: str
    ) -> list[tuple[Frame, Sequence[Face], str | None]]:
        """Return frames, their faces, and notes."""
        images = [frame.image for frame in frames if frame.image is not None]
        batch = None
        if len(images) > 1 and hasattr(self.detector, 'detect_batch'):
            # if it fails, the loop finds out on which image
            with suppress(cv2.error, MemoryError):
                batch = iter(self.detector.detect_batch(images))
        found: list[tuple[Frame, Sequence[Face], str | None]] = []
        for frame in frames:
            if frame.image is None:
                if on_error == 'raise' and frame.error:
                    raise frame.error
                found.append((frame, (), None))
                continue
            try:
                faces = next(batch) if batch else self.detector.detect(frame.image)
                note = None
                if frame.index is None:  # not of a video
                    note = other_orientation(frame.image, faces, self.detector)
                found.append((frame, () if note else faces, note))
            except (cv2.error, MemoryError) as reason:  # for example a side > 32,767
                height, width = frame.image.shape[:2]
                what = f'faces cannot be found in {width} x {height} pixels: {reason}'
                error = ImageError(f'{frame.source}: {what}')
                if on_error == 'raise':
                    raise error from reason
                found.append((replace(frame, image=None, error=error), (), None))
        return found

    def _name(self, face: Face, scores: np.ndarray) -> FaceExpression:
        label = int(scores.argmax())
        return FaceExpression(face, label, self.classes[label], scores)


def _onnx_classifier(
    model: str | Path, checkpoint: object, device: str | None, batch_size: int
) -> OnnxClassifier:
    if checkpoint is not None:
        raise ValueError(f'{model} holds its weights: leave out the checkpoint')
    if device not in (None, 'cpu'):
        raise ValueError(
            f'{model} runs on the CPU; for {device} give an OnnxClassifier with the '
            f'provider of that device as the model'
        )
    return OnnxClassifier(model, batch_size=batch_size)


def _detector(faces: str | FaceDetector, device: str | None) -> FaceDetector:
    if not isinstance(faces, str):
        return faces
    if faces == 'mtcnn':
        return MTCNNDetector(device=device)
    if faces == 'none':
        return WholeImage()
    raise ValueError(
        f"faces must be 'mtcnn', 'none' or a detector of mmqcs.faces, got {faces!r}"
    )
