"""Description of a classifier, stored in its exported file."""

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, TypeGuard

from mmqcs.version import __version__

from .steps import Step, step_from_dict, step_to_dict

KEY = 'mmqcs'
"""Key of the description in ``metadata_props`` of an ONNX file."""

FORMAT = 2

GRAPH_INPUTS = ('normalised', 'pixels', 'faces')
"""Kinds of input of an exported graph; see :class:`ModelDescription`."""


@dataclass(frozen=True, kw_only=True)
class ModelDescription:
    """Everything needed to classify faces with an exported file.

    Args:
        classes: Names of the classes in the order of the scores.
        input_size: (height, width) of the image that the network takes, in pixels.
        graph_input: Input of the graph:

            - ``'normalised'``: float32 (B, 3, height, width), after ``steps``, the
              reordering of the channels and the normalisation.
            - ``'pixels'``: uint8 (B, height, width, 3), after ``steps``. The channels
              are in the order of the dataset: BGR if it reads image files.
            - ``'faces'``: uint8 (B, H, W, 3) of any size, with the same channels. The
              graph performs the steps.
        steps: Steps of the test pipeline that change the pixels of a face. None if
            they cannot be described; ``problem`` says why.
        swap_channels: Whether the network takes the channels in reverse order.
        mean: Subtracted from each channel of the network; None for no normalisation.
        std: Divides each channel of the network; None for no normalisation.
        config: Name of the config.
        precision: ``'fp32'`` or ``'int8'``.
        face_template: Positions of the eyes, the nose and the corners of the mouth in
            the training faces: five (x, y) as fractions of the side. None if the
            config has none.
        problem: Why there are no steps, otherwise empty.
        version: Version of mmqcs that wrote the file.

    Examples:
        >>> from mmqcs.deployment import OnnxClassifier
        >>> about = OnnxClassifier('qcs.onnx').description
        >>> about.config, about.graph_input, about.input_size
        ('qcs_ir-small_synthfer', 'faces', (64, 64))
        >>> ModelDescription.from_json(about.to_json()) == about
        True
    """

    classes: tuple[str, ...]
    input_size: tuple[int, int]
    graph_input: str
    steps: tuple[Step, ...] | None
    swap_channels: bool
    mean: tuple[float, ...] | None
    std: tuple[float, ...] | None
    config: str
    precision: str = 'fp32'
    face_template: tuple[tuple[float, float], ...] | None = None
    problem: str = ''
    version: str = __version__

    def __post_init__(self) -> None:
        if self.graph_input not in GRAPH_INPUTS:
            raise ValueError(
                f'graph_input must be one of {GRAPH_INPUTS}, got {self.graph_input!r}'
            )
        size, template = self.input_size, self.face_template
        checks = {
            'classes': _are(self.classes, str) and self.classes,
            'input_size': _are(size, int, 2) and min(size) > 0,
            'swap_channels': isinstance(self.swap_channels, bool),
            'mean': self.mean is None or _are_finite(self.mean, 3),
            'std': self.std is None
            if self.mean is None
            else _are_finite(self.std, 3) and min(self.std) > 0,
            'config': isinstance(self.config, str),
            'precision': self.precision in ('fp32', 'int8'),
            'problem': isinstance(self.problem, str),
            'version': isinstance(self.version, str),
            'face_template': template is None
            or (_are(template, tuple, 5) and all(_are_finite(x, 2) for x in template)),
        }
        if wrong := [name for name, fits in checks.items() if not fits]:
            raise ValueError(
                f'unexpected {wrong[0]}={getattr(self, wrong[0])!r:.80} in the '
                f'description of the model'
            )
        if len({*self.classes}) < len(self.classes):
            raise ValueError(f'the model has duplicate classes: {self.classes}')

    def to_json(self) -> str:
        """Return the description as JSON."""
        steps = self.steps and [step_to_dict(step) for step in self.steps]
        content = {'format': FORMAT, **asdict(self), 'steps': steps}
        return json.dumps(content, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> 'ModelDescription':
        """Read a description of :meth:`to_json`, or raise a ``ValueError``."""
        try:
            content = json.loads(text)
            number = content.pop('format')
        # deep nesting raises RecursionError
        except (ValueError, AttributeError, KeyError, TypeError, RecursionError):
            raise ValueError('the description of the model is damaged') from None
        if number != FORMAT:
            raise ValueError(
                f'the description of the model has format {number}, but mmqcs '
                f'{__version__} reads format {FORMAT}: export the model again, or '
                f'install mmqcs {content.get("version", "that wrote it")}'
            )
        if set(content) != {field.name for field in fields(cls)}:
            raise ValueError('the description of the model is incomplete')
        steps = content.pop('steps')
        if steps is not None:
            if not isinstance(steps, list) or not _are(steps, dict):
                raise ValueError('the steps in the description are not a list of steps')
            steps = tuple(step_from_dict(step) for step in steps)
        fixed = {key: _tuples(value) for key, value in content.items()}
        return cls(**fixed, steps=steps)


def _are(values: Any, kind: type | tuple[type, ...], count: int | None = None) -> bool:
    """Return whether something is a sequence of ``count`` values of one type."""
    return (
        isinstance(values, (tuple, list))
        and (count is None or len(values) == count)
        # True is an int for isinstance
        and all(isinstance(x, kind) and not isinstance(x, bool) for x in values)
    )


def _are_finite(values: Any, count: int) -> TypeGuard[Sequence[float]]:
    return _are(values, (int, float), count) and all(map(math.isfinite, values))


def _tuples(value: Any) -> Any:
    """Turn lists of JSON back into tuples."""
    return tuple(map(_tuples, value)) if isinstance(value, list) else value
