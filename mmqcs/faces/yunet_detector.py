"""YuNet, the face detector of OpenCV's model zoo, with five points per face."""

from pathlib import Path

import cv2
import numpy as np

from .face import Face, largest_first, reduce_to

_VALUES = {'cls': 1, 'obj': 1, 'bbox': 4, 'kps': 10}
_OUTPUTS = tuple(f'{kind}_{stride}' for kind in _VALUES for stride in (8, 16, 32))


class YuNetDetector:
    """Finds faces and their points with YuNet, in OpenCV 4.8 or later.

    The model is one file, ``face_detection_yunet_2023mar.onnx`` of OpenCV's model zoo,
    which is not part of OpenCV.

    Args:
        model: Model file.
        score_thr: Minimum score of a face, from 0 to 1.
        max_side: Images with a longer side are reduced to this for detection.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: The file is not a YuNet that OpenCV can run.

    Examples:
        >>> YuNetDetector('face_detection_yunet_2023mar.onnx')  # put it there first
        Traceback (most recent call last):
        ...
        FileNotFoundError: no YuNet model at face_detection_yunet_2023mar.onnx; ...
    """

    def __init__(
        self, model: str | Path, score_thr: float = 0.7, max_side: int = 1280
    ) -> None:
        if not 0 <= score_thr <= 1:
            raise ValueError(f'score_thr must be from 0 to 1, got {score_thr}')
        if max_side < 64:
            raise ValueError(f'max_side must be at least 64, got {max_side}')
        if not Path(model).is_file():
            raise FileNotFoundError(
                f'no YuNet model at {model}; download '
                f"face_detection_yunet_2023mar.onnx from OpenCV's model zoo"
            )
        self.max_side = max_side
        try:
            _check_outputs(Path(model).read_bytes())
            str(model).encode()  # OpenCV crashes on paths that are not UTF-8
            self._net = cv2.FaceDetectorYN.create(str(model), '', (320, 320), score_thr)
            self._net.detect(np.zeros((320, 320, 3), np.uint8))
        except (cv2.error, ValueError) as error:
            reason = str(error).strip().splitlines()[0]
            what = f'a YuNet that OpenCV {cv2.__version__} can run'
            raise ValueError(f'{model} is not {what}: {reason}') from error

    def detect(self, image: np.ndarray) -> list[Face]:
        """Find the faces of an image, BGR, uint8 (H, W, 3), the largest first."""
        height, width = image.shape[:2]
        small, scale = reduce_to(image, self.max_side)
        self._net.setInputSize((small.shape[1], small.shape[0]))
        _, found = self._net.detect(small)
        if found is None:
            return []
        # columns: x, y, width, height; right eye, left eye, nose, right and left corner
        # of the mouth of the person, which is left to right in the image; score
        rows = found.astype(float)
        rows[:, :14] /= scale
        rows[:, 2:4] += rows[:, :2]
        points = rows[:, 4:14].reshape(-1, 5, 2)
        faces = (
            Face(row[:4], float(row[14]), five)
            for row, five in zip(rows, points, strict=True)
        )
        return largest_first(faces, width, height)


def _check_outputs(model: bytes) -> None:
    """Check the names and sizes of the outputs of an ONNX model.

    OpenCV reads the outputs of YuNet without checking their sizes, and can crash while
    it loads other models.
    """
    missing = [name for name in _OUTPUTS if name.encode() not in model]
    if missing:
        raise ValueError(f'it lacks the outputs {", ".join(missing)}')
    net = cv2.dnn.readNetFromONNX(np.frombuffer(model, np.uint8))
    for height, width in ((320, 320), (64, 96)):
        net.setInput(np.zeros((1, 3, height, width), np.float32))
        for name, output in zip(_OUTPUTS, net.forward(_OUTPUTS), strict=True):
            kind, stride = name.split('_')
            count = height * width // int(stride) ** 2
            if output.size != count * _VALUES[kind]:
                wanted = f'{count} x {_VALUES[kind]} for {width} x {height} pixels'
                raise ValueError(
                    f'its output {name} has the shape {output.shape}, not {wanted}'
                )
