"""Classifies faces by an exported ONNX file."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from .batches import batches_of_one_shape
from .description import KEY, ModelDescription
from .geometry import apply_steps
from .scores import check_scores

__all__ = ['OnnxClassifier']


class OnnxClassifier:
    """Names the expressions of faces, by onnxruntime alone.

    Does to a face what the test pipeline of the config did, so that the scores are
    those of ``tools/test.py``.

    Args:
        path: File that ``tools/deployment/export_onnx.py`` wrote.
        threads: Threads of onnxruntime within an operator. Defaults to all cores.
        providers: Execution providers of onnxruntime, the preferred one first.
            Defaults to the CPU.
        batch_size: Faces that go through the network at once.

    Raises:
        FileNotFoundError: There is no such file.
        ImportError: onnxruntime is not installed.
        ValueError: The file is no ONNX model or not one of mmqcs, its test pipeline
            cannot be described, a provider is not available, or ``threads`` or
            ``batch_size`` is not positive.

    Examples:
        >>> classify = OnnxClassifier('qcs.onnx')
        >>> scores = classify([cv2.imread('face.png')])  # BGR, uint8 (H, W, 3)
        >>> scores.shape, classify.classes[scores[0].argmax()] in classify.classes
        ((1, 7), True)
    """

    def __init__(
        self,
        path: str | Path,
        threads: int | None = None,
        providers: Sequence[str] | None = None,
        batch_size: int = 32,
    ) -> None:
        for name, value in (('threads', threads), ('batch_size', batch_size)):
            if value is not None and value < 1:
                raise ValueError(f'{name} must be at least 1, got {value}')
        if not Path(path).is_file():
            raise FileNotFoundError(f'{path} is not a file')
        self.batch_size = batch_size
        self._session = _open(path, threads, providers)
        self.description = _describe(self._session, path)
        if self.description.steps is None:
            raise ValueError(
                f'{path} cannot prepare faces by itself: {self.description.problem}. '
                f'Prepare them as its test pipeline does and run it by onnxruntime'
            )
        self._input = _input_name(self._session, self.description, path)

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes, in the order of the scores."""
        return self.description.classes

    @property
    def face_template(self) -> tuple[tuple[float, float], ...] | None:
        """Where eyes, nose and corners of the mouth lie in the faces that it knows.

        Five (x, y) as fractions of the side; None if the config did not say.
        """
        return self.description.face_template

    @property
    def input_size(self) -> tuple[int, int]:
        """(height, width) of the image that the network takes, in pixels."""
        return self.description.input_size

    def __call__(self, faces: np.ndarray | Sequence[np.ndarray]) -> np.ndarray:
        """Classifies faces.

        Args:
            faces: Faces cut out as those of the training set, in the BGR order of
                OpenCV: uint8 (N, H, W, 3), or a list of uint8 (H, W, 3) of any sizes.

        Returns:
            Scores, float32 (N, classes), which sum to 1 per face; (0, classes) of none.

        Raises:
            ValueError: The faces are something else, or a score is NaN.
        """
        if isinstance(faces, np.ndarray) and faces.ndim == 3:
            raise ValueError(
                f'faces must be an array (N, H, W, 3) or a list, got one array of '
                f'shape {faces.shape}; a single face is given as [face]'
            )
        prepared = [self.prepare(face) for face in faces]
        scores = np.empty((len(prepared), len(self.classes)), np.float32)
        shapes = [x.shape for x in prepared]
        for places in batches_of_one_shape(shapes, self.batch_size):
            batch = np.stack([prepared[i] for i in places])
            (scores[places],) = self._session.run(['scores'], {self._input: batch})
        return check_scores(scores)

    def prepare(self, face: np.ndarray) -> np.ndarray:
        """Makes of one face what the graph takes.

        Args:
            face: BGR, uint8 (H, W, 3).

        Returns:
            float32 (3, height, width) or uint8 (H, W, 3), an item of its batch.

        Raises:
            ValueError: It is no such array, or too small for the test pipeline.
        """
        if (
            not isinstance(face, np.ndarray)
            or face.ndim != 3
            or face.shape[2] != 3
            or face.dtype != np.uint8
            or 0 in face.shape
        ):
            got = type(face).__name__
            if isinstance(face, np.ndarray):
                got = f'{face.dtype} {face.shape}'
            raise ValueError(
                f'a face must be an array of uint8 and shape (H, W, 3), got {got}'
            )
        about = self.description
        if about.graph_input == 'faces':
            return face
        pixels = apply_steps(face, about.steps)
        if pixels.shape[:2] != about.input_size:
            raise ValueError(
                f'a face of {face.shape[0]} x {face.shape[1]} pixels becomes an image '
                f'of {pixels.shape[0]} x {pixels.shape[1]}, and the network takes '
                f'{about.input_size[0]} x {about.input_size[1]}'
            )
        if about.graph_input == 'pixels':
            return pixels
        return normalise(pixels, about)


def normalise(pixels: np.ndarray, about: ModelDescription) -> np.ndarray:
    """The pixels of an image as the network takes them.

    Args:
        pixels: uint8 (height, width, 3), channels as the data set gives them.
        about: Order, mean and standard deviation of the channels.

    Returns:
        float32 (3, height, width).
    """
    image = pixels[..., ::-1] if about.swap_channels else pixels
    image = image.transpose(2, 0, 1).astype(np.float32)
    if about.mean is not None:
        mean, std = np.float32(about.mean), np.float32(about.std)
        image = (image - mean[:, None, None]) / std[:, None, None]
    return np.ascontiguousarray(image)


def _open(
    path: str | Path, threads: int | None, providers: Sequence[str] | None
) -> Any:
    try:
        import onnxruntime
    except ImportError as error:
        raise ImportError(
            f'OnnxClassifier needs onnxruntime: pip install onnxruntime ({error})'
        ) from error

    known = onnxruntime.get_available_providers()
    chosen = list(providers or ['CPUExecutionProvider'])
    # onnxruntime would go on without a provider that it does not have
    if missing := [name for name in chosen if name not in known]:
        raise ValueError(
            f'this onnxruntime has no {", ".join(missing)}; it has {", ".join(known)}'
        )
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or 0
    try:
        # from bytes, so that the model cannot read weights from other files
        content = Path(path).read_bytes()
        return onnxruntime.InferenceSession(content, options, providers=chosen)
    except Exception as error:  # its exceptions have no common class of their own
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise ValueError(f'{path} cannot be read as an ONNX model: {reason}') from error


def _input_name(session: Any, about: ModelDescription, path: str | Path) -> str:
    """Name of the input, once the graph is what the description says."""
    height, width = about.input_size
    shape, kind = {
        'normalised': ([None, 3, height, width], 'tensor(float)'),
        'pixels': ([None, height, width, 3], 'tensor(uint8)'),
        'faces': ([None, None, None, 3], 'tensor(uint8)'),
    }[about.graph_input]
    inputs = session.get_inputs()
    scores = [item for item in session.get_outputs() if item.name == 'scores']
    if len(inputs) != 1 or not scores:
        raise ValueError(f'{path} has {len(inputs)} inputs, or no output "scores"')
    pairs = (
        ('input', inputs[0], shape, kind),
        ('scores', scores[0], [None, len(about.classes)], 'tensor(float)'),
    )
    for name, item, expected, wanted in pairs:
        # a dynamic axis is a name or None
        fits = item.type == wanted and len(item.shape) == len(expected)
        fits = fits and all(
            given == size or not isinstance(given, int) or size is None
            for given, size in zip(item.shape, expected, strict=True)
        )
        if not fits:
            raise ValueError(
                f'{path}: {name} of the network is {item.type} {item.shape}, but the '
                f'description of the file asks for {wanted} {expected}'
            )
    return inputs[0].name


def _describe(session: Any, path: str | Path) -> ModelDescription:
    text = session.get_modelmeta().custom_metadata_map.get(KEY)
    if text is None:
        raise ValueError(
            f'{path} was not written by tools/deployment/export_onnx.py: it does not '
            f'say which classes it knows'
        )
    try:
        return ModelDescription.from_json(text)
    except ValueError as error:
        raise ValueError(f'{path}: {error}') from None
