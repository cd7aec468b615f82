"""What an exported file says about itself."""

import json
from dataclasses import asdict, dataclass, fields
from typing import Any

from mmqcs.version import __version__

from .geometry import Step, step_from_dict, step_to_dict

__all__ = ['GRAPH_INPUTS', 'KEY', 'ModelDescription']

KEY = 'mmqcs'
"""Key of the description in ``metadata_props`` of an ONNX file."""

FORMAT = 1

GRAPH_INPUTS = ('normalised', 'pixels', 'faces')
"""What the graph may take; see :class:`ModelDescription`."""


@dataclass(frozen=True, kw_only=True)
class ModelDescription:
    """All that is needed to classify faces with an exported file.

    Args:
        classes: Names of the classes in the order of the scores.
        input_size: (height, width) of the image that the network takes.
        graph_input: ``'normalised'``: float32 (B, 3, height, width) after ``steps``,
            change of channels and normalisation. ``'pixels'``: uint8 (B, height,
            width, 3) after ``steps``, channels as the data set gives them (BGR where
            they are read from image files). ``'faces'``: uint8 (B, H, W, 3) of any
            size, the same channels; the steps are in the graph.
        steps: What the test pipeline does to the pixels of a face. None if it does
            something that cannot be described; ``problem`` says what.
        swap_channels: Whether the network takes the channels in the opposite order.
        mean: Of each channel of the network, subtracted; None if nothing is.
        std: Of each channel of the network, by which is divided.
        config: Name of the config.
        precision: ``'fp32'`` or ``'int8'``.
        face_template: Where eyes, nose and corners of the mouth lie in the faces that
            the network was trained on: five (x, y) as fractions of the side. None if
            the config does not say.
        problem: Why there are no steps, else empty.
        version: Version of mmqcs that wrote the file.

    Raises:
        ValueError: ``graph_input`` is something else.

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

    def to_json(self) -> str:
        """The description as text."""
        steps = self.steps
        if steps is not None:
            steps = [step_to_dict(step) for step in steps]
        content = {'format': FORMAT, **asdict(self), 'steps': steps}
        return json.dumps(content, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> 'ModelDescription':
        """Reads what :meth:`to_json` wrote.

        Args:
            text: JSON.

        Raises:
            ValueError: It is something else, or of a later version.
        """
        try:
            content = json.loads(text)
            number = content.pop('format')
        except (ValueError, AttributeError, KeyError, TypeError):
            raise ValueError('the description of the model is damaged') from None
        if number != FORMAT:
            raise ValueError(
                f'the description of the model has format {number}, and mmqcs '
                f'{__version__} reads format {FORMAT}: install the mmqcs that wrote it '
                f'({content.get("version", "unknown")})'
            )
        if set(content) != {field.name for field in fields(cls)}:
            raise ValueError('the description of the model is incomplete')
        if content['steps'] is not None:
            content['steps'] = [step_from_dict(step) for step in content['steps']]
        return cls(**{key: _tuples(value) for key, value in content.items()})


def _tuples(value: Any) -> Any:
    """Lists of JSON as the tuples that they were."""
    return tuple(map(_tuples, value)) if isinstance(value, list) else value
