"""YuNet, the face detector of OpenCV's model zoo, with five points a face."""

from pathlib import Path

import cv2
import numpy as np

from .face import Face, largest_first
from .yunet_file import check_yunet

__all__ = ['YuNetDetector']


class YuNetDetector:
    """Finds faces and their points by YuNet, in OpenCV 4.8 or later.

    The model is one file, ``face_detection_yunet_2023mar.onnx`` of OpenCV's model zoo,
    which OpenCV does not bring along.

    Args:
        model: The file.
        score_thr: Least score of a face, from 0 to 1.
        nms_thr: Of two boxes that overlap by more than this, the weaker goes.
        max_side: A picture with a longer side is searched in a reduced copy.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: It is not a YuNet that OpenCV can run, or an argument is out of its
            range.

    Examples:
        >>> YuNetDetector('face_detection_yunet_2023mar.onnx')  # put it there first
        Traceback (most recent call last):
        ...
        FileNotFoundError: no YuNet model at face_detection_yunet_2023mar.onnx; ...
    """

    def __init__(
        self,
        model: str | Path,
        score_thr: float = 0.7,
        nms_thr: float = 0.3,
        max_side: int = 1280,
    ) -> None:
        for name, value in (('score_thr', score_thr), ('nms_thr', nms_thr)):
            if not 0 <= value <= 1:
                raise ValueError(f'{name} must be from 0 to 1, got {value}')
        if max_side < 64:
            raise ValueError(f'max_side must be at least 64, got {max_side}')
        if not Path(model).is_file():
            raise FileNotFoundError(
                f'no YuNet model at {model}; it is face_detection_yunet_2023mar.onnx '
                f"of OpenCV's model zoo"
            )
        self.max_side = max_side
        try:
            check_yunet(Path(model).read_bytes())
            str(model).encode()  # OpenCV crashes on paths that are not UTF-8
            self._net = cv2.FaceDetectorYN.create(
                str(model), '', (320, 320), score_thr, nms_thr
            )
            self._net.detect(np.zeros((320, 320, 3), np.uint8))
        except (cv2.error, ValueError) as error:
            reason = str(error).strip().splitlines()[0]
            raise ValueError(
                f'{model} is not a YuNet that OpenCV {cv2.__version__} can run: '
                f'{reason}'
            ) from error

    def detect(self, image: np.ndarray) -> list[Face]:
        """Finds the faces of a picture, the largest first.

        Args:
            image: BGR, uint8 (H, W, 3).
        """
        height, width = image.shape[:2]
        scale = min(self.max_side / max(height, width), 1.0)
        small = image
        if scale < 1:
            small = cv2.resize(
                image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA
            )
        self._net.setInputSize((small.shape[1], small.shape[0]))
        _, found = self._net.detect(small)
        if found is None:
            return []
        # a row: x, y, width, height; right eye, left eye, nose, corners of the mouth
        # of the person, which is from left to right in the picture; score
        rows = found.astype(float)
        rows[:, :14] /= scale
        return largest_first(
            (
                Face(
                    np.concatenate((row[:2], row[:2] + row[2:4])),
                    float(row[14]),
                    row[4:14].reshape(5, 2),
                    'detector',
                )
                for row in rows
            ),
            width,
            height,
        )
