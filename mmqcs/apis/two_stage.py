"""Face detector, crop, expression classifier: from an image to its expressions."""

from dataclasses import dataclass
from pathlib import Path

import mmcv
import numpy as np
from mmengine.config import Config
from mmengine.registry import DefaultScope
from mmpretrain import get_model
from mmpretrain.apis import ImageClassificationInferencer

from mmqcs.datasets.transforms.crop_face import CropFace
from mmqcs.utils.detection import require_detection
from mmqcs.utils.safe_load import allow_mmengine_objects, load_weights_only

__all__ = ['ExpressiveFace', 'TwoStageFER', 'face_boxes']

ModelFiles = tuple[str | Path | Config, str | Path | None]
"""A config, or its file, and a checkpoint; None leaves the weights random."""


@dataclass(frozen=True)
class ExpressiveFace:
    """One face that was found and classified.

    Args:
        box: (left, top, right, bottom) of the face in pixels of the image, (4,).
        detection_score: How sure the detector is, 0 to 1.
        label: Class of the highest score.
        name: Name of this class.
        scores: Score of each class, (classes,), summing to 1.
    """

    box: np.ndarray
    detection_score: float
    label: int
    name: str
    scores: np.ndarray


def face_boxes(
    boxes: np.ndarray, scores: np.ndarray, width: int, height: int, threshold: float
) -> tuple[np.ndarray, np.ndarray]:
    """Clips boxes to the image and leaves out the weak and the empty.

    Args:
        boxes: (N, 4), left, top, right and bottom in pixels.
        scores: (N,).
        width: Of the image in pixels.
        height: Of the image in pixels.
        threshold: Least score of a box that is kept.

    Returns:
        Boxes (M, 4) and scores (M,), the highest score first.
    """
    boxes = np.clip(boxes, 0, (width, height, width, height))
    sides = boxes[:, 2:] - boxes[:, :2]
    kept = np.flatnonzero((scores >= threshold) & (sides >= 1).all(axis=1))
    kept = kept[np.argsort(-scores[kept], kind='stable')]
    return boxes[kept], scores[kept]


class TwoStageFER:
    """Finds the faces of an image with one model, names expressions with another.

    Args:
        detector: Config and checkpoint of a detector of MMDetection. All its boxes
            are taken for faces, whatever their class.
        classifier: Config and checkpoint of a classifier of MMPretrain.
        score_thr: Least score of a face.
        margin: What is added to a face on each side before it is cut out, as a
            fraction of its side: what the faces that the classifier was trained on
            have around them.
        square: Whether to cut out a square around the box, as wide as its longer
            side, so that the classifier does not see faces stretched. At the edge of
            the image the cut-out is clipped.
        batch_size: Faces that are classified at once.
        device: Where both models run.

    Raises:
        ImportError: MMDetection or the operators of MMCV are missing.
        ValueError: ``score_thr`` is no probability, the margin negative, or the batch
            empty; or the classes of the classifier have no names.
        mmqcs.utils.CheckpointError: A checkpoint is damaged or holds more than weights.

    Examples:
        >>> fer = TwoStageFER(
        ...     detector=('configs/det/retinanet_ir-small_synthfer.py', 'faces.pth'),
        ...     classifier=('configs/qcs/qcs_ir-small_synthfer.py', 'qcs.pth'))
        >>> [(face.name, face.box.round()) for face in fer('scene.png')]
    """

    def __init__(
        self,
        detector: ModelFiles,
        classifier: ModelFiles,
        score_thr: float = 0.3,
        margin: float = 0.1,
        square: bool = True,
        batch_size: int = 32,
        device: str = 'cpu',
    ) -> None:
        if not 0 <= score_thr <= 1:
            raise ValueError(f'score_thr must be from 0 to 1, got {score_thr}')
        if batch_size < 1:
            raise ValueError(f'batch_size must be at least 1, got {batch_size}')
        require_detection('TwoStageFER')
        from mmdet.apis import inference_detector, init_detector

        self.score_thr = score_thr
        self.square = square
        self.batch_size = batch_size
        self._crop = CropFace(margin)
        self._detect = inference_detector
        for _, checkpoint in (detector, classifier):
            if checkpoint is not None:
                allow_mmengine_objects()
                load_weights_only(checkpoint)  # raises if it holds more
        with DefaultScope.overwrite_default_scope('mmdet'):
            self.detector = init_detector(*map(_plain, detector), device=device)
        config, checkpoint = map(_plain, classifier)
        with DefaultScope.overwrite_default_scope('mmpretrain'):
            model = get_model(config, pretrained=checkpoint or False, device=device)
            self.classifier = ImageClassificationInferencer(model, device=device)
        if self.classifier.classes is None:
            raise ValueError(
                'the classes of the classifier have no names: neither its checkpoint '
                'nor the data set of its config gives them'
            )

    def detect(self, image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Finds the faces of an image.

        Args:
            image: BGR, uint8 (H, W, 3).

        Returns:
            Boxes (N, 4) in pixels and scores (N,), the highest score first.
        """
        with DefaultScope.overwrite_default_scope('mmdet'):
            found = self._detect(self.detector, image).pred_instances.cpu().numpy()
        height, width = image.shape[:2]
        return face_boxes(found.bboxes, found.scores, width, height, self.score_thr)

    def crop(self, image: np.ndarray, box: np.ndarray) -> np.ndarray:
        """Cuts a face out of an image, with the margin.

        Args:
            image: BGR, uint8 (H, W, 3).
            box: (left, top, right, bottom) in pixels, within the image.

        Returns:
            uint8 (h, w, 3).
        """
        left, top, right, bottom = map(float, box)
        width, height = right - left, bottom - top
        if self.square:
            side = max(width, height)
            left -= (side - width) / 2
            top -= (side - height) / 2
            width = height = side
        return self._crop({'img': image, 'bbox': (left, top, width, height)})['img']

    def __call__(self, image: str | Path | np.ndarray) -> list[ExpressiveFace]:
        """Finds the faces of an image and names their expressions.

        Args:
            image: File, or BGR picture, uint8 (H, W, 3).

        Returns:
            The faces, the one that the detector is surest of first; empty if it finds
            none.

        Raises:
            FileNotFoundError: There is no such file.
            ValueError: The file is no image, or the array not a BGR picture.
        """
        pixels = _read(image)
        boxes, detection_scores = self.detect(pixels)
        if not len(boxes):
            return []
        crops = [self.crop(pixels, box) for box in boxes]
        predictions = []
        with DefaultScope.overwrite_default_scope('mmpretrain'):
            # not by calling the inferencer, which draws a progress bar
            for batch in self.classifier.preprocess(crops, self.batch_size):
                predictions += self.classifier.forward(batch)
        return [
            ExpressiveFace(
                box=box,
                detection_score=float(score),
                label=int(prediction.pred_label),
                name=self.classifier.classes[int(prediction.pred_label)],
                scores=prediction.pred_score.cpu().numpy(),
            )
            for box, score, prediction in zip(
                boxes, detection_scores, predictions, strict=True
            )
        ]


def _plain(part: str | Path | Config | None) -> str | Config | None:
    """A path as a string, which is what all loaders take."""
    return str(part) if isinstance(part, Path) else part


def _read(image: str | Path | np.ndarray) -> np.ndarray:
    if isinstance(image, np.ndarray):
        if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
            raise ValueError(
                f'an image must be a BGR array of uint8 and shape (H, W, 3), got '
                f'{image.dtype} and {image.shape}'
            )
        return image
    pixels = mmcv.imread(str(image))
    if pixels is None:
        raise ValueError(f'{image} cannot be read as an image')
    return pixels
