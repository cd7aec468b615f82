"""Detectors of MMDetection as face detectors."""

from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from .alignment import points_from_eyes
from .cascade_detector import EyeFinder, has_cascades
from .face import Face, largest_first

if TYPE_CHECKING:
    from mmengine.config import Config


EYES_IN_TIGHT_BOX = np.array([(0.3, 0.4), (0.7, 0.4)])
"""Mean positions of the eyes in a box, as fractions of its sides."""


class MMDetDetector:
    """Finds faces with a detector of MMDetection, from a config and a checkpoint.

    All boxes are taken as faces, whatever their class. Detectors return no points. With
    OpenCV 4, points are estimated from two eyes found in the box. Faces without eyes
    have ``points=None`` and are cropped by their box.

    Args:
        config: Config, or its file.
        checkpoint: Weights; None leaves the weights random.
        score_thr: Minimum score of a face, from 0 to 1.
        find_eyes: Whether to find eyes. Defaults to True if OpenCV has cascades.
        device: Device of the detector. Defaults to a GPU if there is one.

    Raises:
        ImportError: MMDetection or the operators of MMCV are missing, or ``find_eyes``
            is True and OpenCV has no cascades.
        CheckpointError: The checkpoint is damaged or contains more than weights.

    Examples:
        >>> detector = MMDetDetector(
        ...     'configs/det/retinanet_ir-small_synthfer.py', 'work_dirs/faces.pth'
        ... )
        Loads checkpoint by local backend from path: work_dirs/faces.pth
        >>> faces = detector.detect(cv2.imread('group.png'))
    """

    def __init__(
        self,
        config: 'str | Path | Config',
        checkpoint: str | Path | None,
        score_thr: float = 0.3,
        find_eyes: bool | None = None,
        device: str | None = None,
    ) -> None:
        from mmengine.device import get_device
        from mmengine.registry import DefaultScope

        from mmqcs.checkpoints import check_fit, check_tensors, find_weights
        from mmqcs.checkpoints.safe_load import (
            allow_mmengine_objects,
            load_weights_only,
        )
        from mmqcs.detection import require_detection

        if not 0 <= score_thr <= 1:
            raise ValueError(f'score_thr must be from 0 to 1, got {score_thr}')
        require_detection('MMDetDetector')
        from mmdet.apis import inference_detector, init_detector

        self.score_thr = score_thr
        find_eyes = has_cascades() if find_eyes is None else find_eyes
        self._find_eyes = EyeFinder(EYES_IN_TIGHT_BOX) if find_eyes else None
        self._inference = inference_detector
        state = None
        if checkpoint is not None:
            allow_mmengine_objects()
            state = find_weights(load_weights_only(checkpoint), checkpoint)
            check_tensors(state, checkpoint)
        config = str(config) if isinstance(config, Path) else config
        checkpoint = None if checkpoint is None else str(checkpoint)
        with DefaultScope.overwrite_default_scope('mmdet'):
            self.model = init_detector(
                config, checkpoint, device=device or get_device()
            )
        if state is not None:  # MMDetection ignores weights that do not fit
            check_fit(state, self.model.state_dict(), checkpoint)

    def detect(self, image: np.ndarray) -> list[Face]:
        """Find the faces of an image, BGR, uint8 (H, W, 3), the largest first."""
        from mmengine.registry import DefaultScope

        with DefaultScope.overwrite_default_scope('mmdet'):
            found = self._inference(self.model, image).pred_instances.cpu().numpy()
        height, width = image.shape[:2]
        pairs = zip(found.bboxes, found.scores, strict=True)
        faces = [Face(box, float(s)) for box, s in pairs if s >= self.score_thr]
        faces = largest_first(faces, width, height)
        if self._find_eyes is None:
            return faces
        grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
        return [self._with_points(face, grey) for face in faces]

    def _with_points(self, face: Face, grey: np.ndarray) -> Face:
        eyes = self._find_eyes(grey, face.box)
        if eyes is None:
            return face
        return Face(face.box, face.score, points_from_eyes(eyes), 'eyes')
