"""What is exported, with what it is checked against."""

from collections.abc import Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.config import Config
from mmpretrain.models import ImageClassifier
from mmpretrain.models.utils import ClsDataPreprocessor
from torch import Tensor, nn

from mmqcs.checkpoints import checkpoint_classes
from mmqcs.checkpoints.safe_load import read_checkpoint
from mmqcs.checkpoints.weights import load_inference_weights
from mmqcs.deployment import ModelDescription
from mmqcs.register import register_all_modules

from .errors import ExportError
from .faces import FaceData
from .network import InferenceNet, build_classifier, predict
from .preprocessing import FacePreprocessor

__all__ = ['Subject', 'class_names', 'compare_pixels', 'read_subject']


@dataclass
class Subject:
    """A classifier that is to be exported.

    Args:
        model: The classifier as a test of the config runs it.
        net: Its inference path.
        preprocessor: What goes before ``net`` in the graph, if anything does.
        description: What the file will say about itself.
        data: Data sets of the config.
        inputs: What the graph takes of each face that the export is checked on.
        images: The same faces normalised, as the network takes them, (N, 3, height,
            width).
        expected: Scores that PyTorch gives them, (N, classes).
        by_pipeline: Scores that the config's own test gives the faces, (N, classes);
            not quite those expected if the graph resizes a little differently.
        faces: The faces as a user has them; empty where ``description.steps`` is
            None.
    """

    model: ImageClassifier
    net: InferenceNet
    preprocessor: FacePreprocessor | None
    description: ModelDescription
    data: FaceData
    inputs: list[np.ndarray]
    images: np.ndarray
    expected: np.ndarray
    by_pipeline: np.ndarray
    faces: list[np.ndarray]

    def whole(self) -> nn.Module:
        """The preprocessor, if there is one, and the network as one module."""
        if self.preprocessor is None:
            return self.net
        return nn.Sequential(self.preprocessor, self.net).eval()

    def example(self) -> Tensor:
        """Two inputs of the graph, for tracing."""
        first = torch.from_numpy(self.inputs[0])
        return torch.stack([first, first])

    def calibration(self, count: int) -> Iterator[np.ndarray]:
        """Faces of the training set, normalised; see :meth:`FaceData.calibration`."""
        for batch in self.data.calibration(count):
            yield self.model.data_preprocessor(batch)['inputs'].numpy()


def read_subject(
    config: Config, path: str, checkpoint: str, graph_input: str, check_images: int
) -> Subject:
    """Builds the model of a config and classifies the faces of the check.

    Args:
        config: A whole config.
        path: Its file, for its name.
        checkpoint: Checkpoint file.
        graph_input: See :class:`mmqcs.deployment.ModelDescription`.
        check_images: How many faces of the test set.

    Raises:
        ExportError: The model cannot be exported in this way, or the test set names
            other classes than the checkpoint.
        CheckpointError: The file is no checkpoint, is damaged, or does not
            fit the model.
        FileNotFoundError, ValueError: The data set cannot be read.
    """
    register_all_modules()
    if not config.get('model'):
        raise ExportError(f'{path} has no model')
    model = build_classifier(config)
    meta = load_inference_weights(model, read_checkpoint(checkpoint), checkpoint)
    data = FaceData(config)
    batch = data.first(check_images)
    pixels = batch['inputs']
    if not isinstance(pixels, Tensor):
        raise ExportError('the test pipeline gives images of several sizes or views')
    inputs = model.data_preprocessor(dict(batch))['inputs']
    by_pipeline = expected = predict(model, inputs)
    size, classes = tuple(pixels.shape[-2:]), by_pipeline.shape[1]
    steps, problem = data.steps, data.problem
    if inputs.shape[-2:] != pixels.shape[-2:]:
        steps, problem = None, 'the data preprocessor pads the images'
    if steps is None and graph_input != 'normalised':
        raise ExportError(f'preprocessing cannot be included: {problem}')
    description = ModelDescription(
        classes=class_names(
            classes, data.classes, checkpoint_classes(meta, checkpoint)
        ),
        input_size=size,
        graph_input=graph_input,
        steps=steps,
        problem=problem,
        config=Path(path).stem,
        face_template=face_template(config),
        **_normalisation(model),
    )
    faces = [] if steps is None else data.raw_faces(check_images)
    preprocessor = None
    items: list[np.ndarray] = list(inputs.numpy())
    if graph_input != 'normalised':
        preprocessor = FacePreprocessor(description).eval()
        items = list(np.ascontiguousarray(pixels.permute(0, 2, 3, 1).numpy()))
    if graph_input == 'faces':
        items = faces
        single = [torch.from_numpy(face[None]) for face in faces]
        compare_pixels(torch.cat([preprocessor.pixels(x) for x in single]), pixels)
        inputs = torch.cat([preprocessor(x) for x in single])
        expected = predict(model, inputs)
    return Subject(
        model=model,
        net=InferenceNet(deepcopy(model)),
        preprocessor=preprocessor,
        description=description,
        data=data,
        inputs=items,
        images=inputs.numpy(),
        expected=expected.numpy(),
        by_pipeline=by_pipeline.numpy(),
        faces=faces,
    )


def _normalisation(model: ImageClassifier) -> dict[str, Any]:
    """What the data preprocessor does, as the description of a model holds it."""
    preprocessor = model.data_preprocessor
    if not isinstance(preprocessor, ClsDataPreprocessor):
        raise ExportError(
            f'the data preprocessor is a {type(preprocessor).__name__}, no '
            f'ClsDataPreprocessor'
        )
    mean = std = None
    if preprocessor._enable_normalize:
        mean, std = (
            tuple(buffer.flatten().expand(3).tolist())
            for buffer in (preprocessor.mean, preprocessor.std)
        )
    return {'swap_channels': preprocessor.to_rgb, 'mean': mean, 'std': std}


def face_template(config: Config) -> tuple[tuple[float, float], ...] | None:
    """Where eyes, nose and mouth lie in the faces of a config, if it says so."""
    points = config.get('face_template')
    return None if points is None else tuple((float(x), float(y)) for x, y in points)


def class_names(
    count: int, of_data: Sequence[str] | None, of_weights: Sequence[str] | None
) -> tuple[str, ...]:
    """Names of the classes, which checkpoint and test set must agree on.

    Args:
        count: Scores that the model gives.
        of_data: Names in the test set, if any.
        of_weights: Names in the checkpoint, if any.

    Returns:
        Those named, or '0', '1' and so on if none are.

    Raises:
        ExportError: Names are not as many as the scores, or do not agree.
    """
    named = {
        'the checkpoint': of_weights and tuple(of_weights),
        'the test set': of_data and tuple(of_data),
    }
    named = {source: names for source, names in named.items() if names}
    for source, names in named.items():
        if len(names) != count:
            raise ExportError(
                f'{source} has {len(names)} classes ({", ".join(names)}), and the '
                f'model gives {count} scores'
            )
    if len(set(named.values())) > 1:
        raise ExportError(
            'the checkpoint knows other classes than the test set: '
            + '; '.join(f'{source}: {", ".join(x)}' for source, x in named.items())
        )
    return next(iter(named.values()), tuple(map(str, range(count))))


def compare_pixels(found: Tensor, expected: Tensor) -> None:
    """Raises if the graph resizes otherwise than the pipeline.

    Args:
        found: Pixels that the graph makes, 0 to 255.
        expected: Those of the pipeline, of the same shape.

    Raises:
        ExportError: They differ by more than one level.
    """
    difference = float((found - expected).abs().max())
    if difference > 1:
        raise ExportError(
            f'the graph resizes otherwise than the test pipeline: pixels differ by '
            f'{difference:.0f} levels of 255. Leave the resizing out of it by '
            f'--with-preprocessing pixels'
        )
