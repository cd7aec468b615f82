"""Classify faces with an exported ONNX file."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from .description import KEY, ModelDescription
from .steps import apply_steps


class OnnxClassifier:
    """Facial-expression classifier that runs on onnxruntime alone.

    Prepares each face as the test pipeline of the config does, so that the scores are
    those of ``tools/test.py``.

    Args:
        path: File that ``mmqcs export`` wrote.
        threads: Threads of onnxruntime per operator. Defaults to all cores.
        providers: Execution providers of onnxruntime, in order of preference.
            Defaults to the CPU.
        batch_size: Maximum number of faces per run of the network.

    Attributes:
        description, classes, input_size, face_template: See :class:`ModelDescription`.

    Raises:
        FileNotFoundError: The file does not exist.
        ImportError: onnxruntime is not installed.
        ValueError: The file is not an ONNX model of mmqcs, its test pipeline cannot
            be described, or a provider is not available.

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
        self._session = open_session(path, threads, providers)
        self.description = _describe(self._session, path)
        if self.description.steps is None:
            raise ValueError(
                f'OnnxClassifier cannot prepare faces for {path}: '
                f'{self.description.problem}. Prepare them as its test pipeline does, '
                f'and run the file with onnxruntime'
            )
        self._input = _input_name(self._session, self.description, path)
        self.classes = self.description.classes
        self.input_size = self.description.input_size
        self.face_template = self.description.face_template

    def __call__(self, faces: np.ndarray | Sequence[np.ndarray]) -> np.ndarray:
        """Classify faces.

        Args:
            faces: Faces cropped like those of the training set, with the BGR channels
                of OpenCV: uint8 (N, H, W, 3), or a list of uint8 (H, W, 3) of any
                sizes.

        Returns:
            Scores, float32 (N, classes), which sum to 1 per face.

        Raises:
            ValueError: The faces are something else, or a score is not finite.
        """
        if isinstance(faces, np.ndarray) and faces.ndim == 3:
            raise ValueError(
                f'faces must be an array (N, H, W, 3) or a list, got one array of '
                f'shape {faces.shape}; pass a single face as [face]'
            )
        prepared = [self.prepare(face) for face in faces]
        scores = np.empty((len(prepared), len(self.classes)), np.float32)
        shapes = [x.shape for x in prepared]
        for indices in batches_of_one_shape(shapes, self.batch_size):
            batch = np.stack([prepared[i] for i in indices])
            (scores[indices],) = self._session.run(['scores'], {self._input: batch})
        return check_scores(scores)

    def prepare(self, face: np.ndarray) -> np.ndarray:
        """Turn one face, BGR, uint8 (H, W, 3), into an input of the graph.

        Returns:
            float32 (3, height, width) or uint8 (H, W, 3), without the batch axis.
        """
        is_array = isinstance(face, np.ndarray)
        got = f'{face.dtype} {face.shape}' if is_array else type(face).__name__
        fits = is_array and face.dtype == np.uint8 and face.ndim == 3 and face.size
        if not fits or face.shape[2] != 3:
            raise ValueError(f'a face must be uint8 of shape (H, W, 3), got {got}')
        about = self.description
        if about.graph_input == 'faces':
            return face
        pixels = apply_steps(face, about.steps or ())
        if pixels.shape[:2] != about.input_size:
            raise ValueError(
                f'the test pipeline turns a face of {face.shape[0]} x {face.shape[1]} '
                f'pixels into an image of {pixels.shape[0]} x {pixels.shape[1]}, but '
                f'the network takes {about.input_size[0]} x {about.input_size[1]}'
            )
        if about.graph_input == 'pixels':
            return pixels
        return normalise(pixels, about)


def batches_of_one_shape(
    shapes: Sequence[tuple[int, ...]], batch_size: int
) -> Iterator[list[int]]:
    """Yield batches of indices of images of one shape, each index once."""
    groups: dict[tuple[int, ...], list[int]] = {}
    for index, shape in enumerate(shapes):
        groups.setdefault(shape, []).append(index)
    for indices in groups.values():
        for start in range(0, len(indices), batch_size):
            yield indices[start : start + batch_size]


def normalise(pixels: np.ndarray, about: ModelDescription) -> np.ndarray:
    """Turn uint8 (height, width, 3) into normalised float32 (3, height, width)."""
    image = pixels[..., ::-1] if about.swap_channels else pixels
    image = image.transpose(2, 0, 1).astype(np.float32)
    if about.mean is not None:
        mean, std = np.array((about.mean, about.std), np.float32)[..., None, None]
        image = (image - mean) / std
    return np.ascontiguousarray(image)


def check_scores(scores: np.ndarray) -> np.ndarray:
    """Return scores, (N, classes), or raise a ``ValueError`` if one is not finite."""
    broken = ~np.isfinite(scores).all(axis=1)
    if broken.any():
        raise ValueError(
            f'the scores of {int(broken.sum())} of {len(scores)} faces are not finite: '
            f'the weights are damaged, or their numbers are too large'
        )
    return scores


def open_session(
    path: str | Path, threads: int | None, providers: Sequence[str] | None
) -> Any:
    """Open an ONNX file; see :class:`OnnxClassifier` for arguments and errors."""
    try:
        import onnxruntime
    except ImportError as error:
        raise ImportError(
            f'OnnxClassifier needs onnxruntime: pip install onnxruntime ({error})'
        ) from error

    known = onnxruntime.get_available_providers()
    chosen = list(providers or ['CPUExecutionProvider'])
    # onnxruntime silently skips a provider that it does not have
    if missing := [name for name in chosen if name not in known]:
        raise ValueError(
            f'onnxruntime has no {", ".join(missing)} here, only {", ".join(known)}'
        )
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or 0
    try:
        # from bytes, so that the model cannot refer to other files
        content = Path(path).read_bytes()
        return onnxruntime.InferenceSession(content, options, providers=chosen)
    except Exception as error:  # onnxruntime has no base class of its errors
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise ValueError(f'{path} cannot be read as an ONNX model: {reason}') from error


def _input_name(session: Any, about: ModelDescription, path: str | Path) -> str:
    """Return the name of the input if the graph matches its description."""
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
        given = [x if isinstance(x, int) else None for x in item.shape]
        fits = item.type == wanted and len(given) == len(expected)
        if not fits or not all(
            x == y or None in (x, y) for x, y in zip(given, expected, strict=True)
        ):
            raise ValueError(
                f'{path}: {name} of the graph is {item.type} {item.shape}, but its '
                f'description says {wanted} {expected}'
            )
    return inputs[0].name


def _describe(session: Any, path: str | Path) -> ModelDescription:
    text = session.get_modelmeta().custom_metadata_map.get(KEY)
    if text is None:
        raise ValueError(f'{path} was not written by mmqcs export')
    try:
        return ModelDescription.from_json(text)
    except ValueError as error:
        raise ValueError(f'{path}: {error}') from None
