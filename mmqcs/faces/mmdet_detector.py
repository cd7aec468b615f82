"""Detectors of MMDetection as face detectors."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from .face import Face, largest_first

if TYPE_CHECKING:
    from mmengine.config import Config

POINTS_THR = 0.5
"""Score of MTCNN from which its points are used in the box of another detector."""


class MMDetDetector:
    """Finds faces with a detector of MMDetection, from a config and a checkpoint.

    All boxes are taken as faces, whatever their class. Detectors return no points: the
    last network of MTCNN finds them in the boxes. A face in which it sees none has
    ``points=None`` and is cropped by its box.

    Args:
        config: Config, or its file.
        checkpoint: Weights; None leaves the weights random.
        score_thr: Minimum score of a face, from 0 to 1.
        find_points: Whether to find points.
        device: Device of the detector. Defaults to a GPU if there is one.

    Raises:
        ImportError: MMDetection or the operators of MMCV are missing.
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
        find_points: bool = True,
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

        from .mtcnn_detector import MTCNNDetector

        self.score_thr = score_thr
        self._inference = inference_detector
        state = None
        if checkpoint is not None:
            allow_mmengine_objects()
            state = find_weights(load_weights_only(checkpoint), checkpoint)
            check_tensors(state, checkpoint)
        device = device or get_device()
        self._points = MTCNNDetector(POINTS_THR, device=device) if find_points else None
        config = str(config) if isinstance(config, Path) else config
        checkpoint = None if checkpoint is None else str(checkpoint)
        with DefaultScope.overwrite_default_scope('mmdet'):
            self.model = init_detector(config, checkpoint, device=device)
        if state is not None:  # MMDetection ignores weights that do not fit
            check_fit(state, self.model.state_dict(), str(checkpoint))

    def detect(self, image: np.ndarray) -> list[Face]:
        """Find the faces of an image, BGR, uint8 (H, W, 3), the largest first."""
        from mmengine.registry import DefaultScope

        with DefaultScope.overwrite_default_scope('mmdet'):
            found = self._inference(self.model, image).pred_instances.cpu().numpy()
        height, width = image.shape[:2]
        pairs = zip(found.bboxes, found.scores, strict=True)
        faces = [Face(box, float(s)) for box, s in pairs if s >= self.score_thr]
        faces = largest_first(faces, width, height)
        return faces if self._points is None else self._points.add_points(image, faces)
