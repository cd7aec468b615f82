"""Find faces in images and videos, and name their expressions."""

import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
from mmengine.config import Config

from mmqcs.checkpoints import model_kind
from mmqcs.deployment import OnnxClassifier
from mmqcs.faces import (
    ARCFACE,
    CascadeDetector,
    Face,
    FaceDetector,
    WholeImage,
    cut_face,
)
from mmqcs.faces.alignment import check_template

from .face_classifier import FaceClassifier
from .files import ImageError
from .frames import Frame, frames
from .inputs import Input, describe_left_out, expand
from .results import FaceExpression, ImageResult

__all__ = ['FERInferencer']

Classifier = Callable[[Sequence[np.ndarray]], np.ndarray]

BATCH_PIXELS = 2**25
"""Pixels of images that wait for their batch: 100 MB. One larger image waits alone."""


class FERInferencer:
    """Finds the faces in images, videos and cameras, and names their expressions.

    Args:
        model: Name of a config, its file, a config, or a checkpoint that holds its
            config (see :class:`FaceClassifier`); or a file of
            ``tools/deployment/export_onnx.py``. Or a classifier itself: anything with
            ``classes`` that turns a list of BGR faces into scores (N, classes), such
            as :class:`mmqcs.deployment.OnnxClassifier`.
        checkpoint: Weights, where ``model`` is no checkpoint. Without any they are
            random, which gives a warning.
        faces: How faces are found: ``'cascade'``, that of OpenCV 4; ``'none'``, where
            each image is a face that is cut out already; or a detector:
            :class:`mmqcs.faces.YuNetDetector`, :class:`mmqcs.faces.MMDetDetector`, or
            anything with their method ``detect``.
        template: Where eyes, nose and corners of the mouth come to lie in an aligned
            face: five (x, y) as fractions of its side. Must be that of the training
            data. By default ``face_template`` of the classifier, which is that of
            its config, else ArcFace's.
        size: Side of an aligned face in pixels, before the test pipeline.
        margin: What is added to faces without points, which are cut out by their
            boxes, on each side, as a fraction of the longer one.
        device: Where the classifier runs. By default a GPU if there is one.
        batch_size: Faces that go through the network at once.
        batch_frames: Most images whose faces are collected to fill a batch. Fewer are
            collected if they are large.
        trust: Whether a checkpoint may run code; see :class:`FaceClassifier`.

    Raises:
        FileNotFoundError: A file is missing.
        ImportError: The cascade is missing (OpenCV 5), or MMDetection.
        ValueError: An argument is wrong; the message says what to do.
        CheckpointError: The checkpoint is damaged, its config names a part
            that a file must not name, or its weights do not fit the model.

    Examples:
        >>> infer = FERInferencer('work_dirs/qcs.pth')
        >>> (result,) = infer('group.png')
        >>> len(result.faces), result.faces[0].name in infer.classes
        (3, True)
        >>> [result.time for result in infer.stream('film.mp4')]  # frame by frame
        [0.0, 0.1, 0.2]
    """

    def __init__(
        self,
        model: str | Path | Config | Classifier,
        checkpoint: str | Path | None = None,
        faces: str | FaceDetector = 'cascade',
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
        self.detector = _detector(faces)
        if isinstance(model, (str, Path, Config)):
            model = _classifier(model, checkpoint, device, batch_size, trust)
        self.classifier = model
        self.classes: tuple[str, ...] = tuple(model.classes)
        if template is None:
            template = getattr(model, 'face_template', None)
            template = ARCFACE if template is None else template
        self.template = check_template(template)

    def __call__(
        self, inputs: Input | Iterable[Input], every: int = 1
    ) -> list[ImageResult]:
        """Find and classify the faces of all images.

        Args:
            inputs: The path of an image, a video or a folder of these, or a wildcard
                (``'photos/*.jpg'``); an encoded image as bytes or an open file; an
                image of Pillow; a BGR array; or any iterable of these.
            every: Every ``every``-th frame of a video or an animation is taken.

        Returns:
            A result for each image and each frame of a video, an animation or a
            file of several pages, in order.

        Raises:
            FileNotFoundError: There is no such file.
            TypeError: An input is of another type.
            mmqcs.apis.ImageError: An image or a video cannot be read. To go on with
                the others use :meth:`stream`.
        """
        return list(self.stream(inputs, every, on_error='raise'))

    def stream(
        self,
        inputs: Input | Iterable[Input],
        every: int = 1,
        on_error: str = 'record',
        keep_images: bool = False,
    ) -> Iterator[ImageResult]:
        """Find and classify faces one result after the other, in constant memory.

        Files in folders that are neither images nor videos are left out, with a
        warning that counts them.

        Args:
            inputs: As in a call; or the number of a camera.
            every: Every ``every``-th frame of a video or an animation is taken.
            on_error: ``'record'`` gives a result with ``error`` for each input that
                cannot be read and goes on; ``'raise'`` raises.
            keep_images: Whether results carry their images.

        Yields:
            Results in the order of the images.
        """
        if on_error not in ('record', 'raise'):
            raise ValueError(f"on_error must be 'record' or 'raise', got {on_error!r}")
        if every < 1:
            raise ValueError(f'every must be at least 1, got {every}')
        left_out: Counter[str] = Counter()
        waiting: list[Frame] = []
        for number, item in enumerate(expand(inputs, left_out)):
            live = isinstance(item, int)
            for frame in frames(item, number, every):
                waiting.append(frame)
                del frame  # a large image must be freed before the next is read
                if live or self._is_full(waiting):
                    yield from self._classify(waiting, keep_images, on_error)
        yield from self._classify(waiting, keep_images, on_error)
        for line in describe_left_out(left_out):
            warnings.warn(line, stacklevel=2)

    def _is_full(self, waiting: list[Frame]) -> bool:
        pixels = sum(x.image.size // 3 for x in waiting if x.image is not None)
        return len(waiting) >= self.batch_frames or pixels >= BATCH_PIXELS

    def cut(self, image: np.ndarray, face: Face) -> np.ndarray:
        """The face as the classifier is given it, before the test pipeline.

        Args:
            image: BGR, uint8 (H, W, 3).
            face: A face of it.
        """
        return cut_face(image, face, self.size, self.template, self.margin)

    def _classify(
        self, waiting: list[Frame], keep_images: bool, on_error: str
    ) -> Iterator[ImageResult]:
        """Classify the faces of images, and take these from the list."""
        found = [self._find(frame, on_error) for frame in waiting]
        waiting.clear()
        cuts = [cut for _, _, cuts in found for cut in cuts]
        scores = iter(self.classifier(cuts) if cuts else ())
        for _ in range(len(found)):  # each result is handed over, none is held
            frame, faces, _ = found.pop(0)
            yield ImageResult(
                source=frame.source,
                classes=self.classes,
                faces=tuple(self._expression(face, next(scores)) for face in faces),
                size=None if frame.image is None else frame.image.shape[1::-1],
                index=frame.index,
                time=frame.time,
                rate=frame.rate,
                error=None if frame.error is None else str(frame.error),
                image=frame.image if keep_images else None,
            )
            del frame

    def _find(
        self, frame: Frame, on_error: str
    ) -> tuple[Frame, list[Face], list[np.ndarray]]:
        """Return a frame, its faces, and these cut out."""
        error = frame.error
        if frame.image is not None:
            try:
                faces = self.detector.detect(frame.image)
                return frame, faces, [self.cut(frame.image, face) for face in faces]
            except (cv2.error, MemoryError) as reason:  # for example a side > 32,767
                height, width = frame.image.shape[:2]
                error = ImageError(
                    f'{frame.source}: faces cannot be found in {width} x {height} '
                    f'pixels: {reason}'
                )
        if on_error == 'raise':
            raise error
        return replace(frame, image=None, error=error), [], []

    def _expression(self, face: Face, scores: np.ndarray) -> FaceExpression:
        label = int(scores.argmax())
        return FaceExpression(face, label, self.classes[label], scores)


def _classifier(
    model: str | Path | Config,
    checkpoint: str | Path | None,
    device: str | None,
    batch_size: int,
    trust: bool,
) -> Classifier:
    if model_kind(model) != 'onnx':
        return FaceClassifier(model, checkpoint, device, batch_size, trust)
    if checkpoint is not None:
        raise ValueError(f'{model} holds its weights: leave out the checkpoint')
    if device not in (None, 'cpu'):
        raise ValueError(
            f'{model} runs on the CPU; for {device} give an OnnxClassifier with the '
            f'provider of that device as the model'
        )
    return OnnxClassifier(model, batch_size=batch_size)


def _detector(faces: str | FaceDetector) -> FaceDetector:
    if not isinstance(faces, str):
        return faces
    if faces == 'cascade':
        return CascadeDetector()
    if faces == 'none':
        return WholeImage()
    raise ValueError(
        f"faces must be 'cascade', 'none' or a detector of mmqcs.faces, got {faces!r}"
    )
