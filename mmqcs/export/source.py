"""Classifier to export, with the faces and scores that its file is checked against."""

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.config import Config
from mmpretrain.models import ImageClassifier
from mmpretrain.models.heads import ClsHead
from mmpretrain.models.utils import ClsDataPreprocessor
from torch import Tensor, nn

from mmqcs.checkpoints import load_classifier
from mmqcs.deployment import ModelDescription
from mmqcs.register import register_all_modules

from .checks import ExportError
from .modules import FacePreprocessor, InferenceNet
from .pipeline import ConfigFaces, FaceBatch


@dataclass
class ExportSource:
    """Classifier that is to be exported."""

    config: Config
    model: ImageClassifier
    """The classifier as ``tools/test.py`` runs it."""
    module: nn.Module
    """Exported module: preprocessing, if it is in the graph, and network. Returns
    (scores, logits)."""
    description: ModelDescription
    data: ConfigFaces
    expected: np.ndarray
    """Scores of ``model`` after the preprocessing that the file uses, (N, classes)."""
    by_pipeline: np.ndarray
    """Scores of ``model`` after the test pipeline, (N, classes); differ from
    ``expected`` only if the graph resizes."""
    checked_on: str
    """What the check faces are, in words."""
    faces: list[np.ndarray]
    """The check faces before the test pipeline; empty if its steps are unknown."""
    inputs: list[np.ndarray] = field(default_factory=list)
    """Inputs of the graph for the check faces, without the batch axis."""

    def example(self) -> Tensor:
        """Return a batch of two inputs of the graph, for tracing."""
        return torch.from_numpy(np.stack([self.inputs[0]] * 2))

    def graph_inputs(self, batch: FaceBatch) -> list[np.ndarray]:
        """Return the inputs of the graph for a batch of faces."""
        if self.description.graph_input == 'faces':
            return batch.faces
        if self.description.graph_input == 'pixels':
            return list(batch.images.permute(0, 2, 3, 1).contiguous().numpy())
        return list(_normalised(self.model, batch).numpy())

    def predict(self, batch: FaceBatch) -> np.ndarray:
        """Return the scores of ``model`` after the test pipeline, (B, classes)."""
        return _predict(self.model, _normalised(self.model, batch))


def read_source(
    config: Config | None,
    checkpoint: str | Path,
    graph_input: str,
    check_images: int,
) -> ExportSource:
    """Build a classifier, and classify ``check_images`` faces.

    The faces are those of the test set of the config. If ``config`` is None, the
    checkpoint contains its config. No dataset is needed then, and no path in the file
    is read: the faces are rendered, and go through the test pipeline in the file.

    Raises:
        ExportError: The classifier cannot be exported in this way.
        FileNotFoundError, ValueError: The classifier or the dataset cannot be read.
    """
    register_all_modules()
    if config is None:
        loaded = load_classifier(checkpoint, device='cpu')
        with loaded.naming_source():
            data = ConfigFaces(_with_rendered_faces(loaded.config, check_images))
        checked_on, data_classes = 'rendered faces', None
    else:
        loaded = load_classifier(config, checkpoint, device='cpu')
        data = ConfigFaces(config)
        checked_on = 'faces of the test set'
        data_classes = data.test_set.metainfo.get('classes')
    model = loaded.model
    if not isinstance(model.head, ClsHead):
        raise ExportError(
            f'the head is a {type(model.head).__name__}; only heads with one label per '
            f'image (ClsHead of MMPretrain and its subclasses) can be exported'
        )
    batches = list(data.test_batches(check_images))
    images = torch.cat([_normalised(model, batch) for batch in batches])
    by_pipeline = expected = _predict(model, images)
    height, width = batches[0].images.shape[-2:]
    steps, problem = data.steps, data.problem
    if images.shape[-2:] != (height, width):
        steps, problem = None, 'the data preprocessor pads the images'
    if steps is None and graph_input != 'normalised':
        raise ExportError(f'preprocessing cannot be included: {problem}')
    template = loaded.config.get('face_template')
    description = ModelDescription(
        classes=class_names(by_pipeline.shape[1], loaded.classes, data_classes),
        input_size=(height, width),
        graph_input=graph_input,
        steps=steps,
        problem=problem,
        config=Path(loaded.config.filename or checkpoint).stem,
        face_template=template and tuple((float(x), float(y)) for x, y in template),
        **_normalisation(model),
    )
    faces = [] if steps is None else [face for b in batches for face in b.faces]
    module: nn.Module = InferenceNet(deepcopy(model))
    if graph_input != 'normalised':
        preprocessor = FacePreprocessor(description)
        module = nn.Sequential(preprocessor, module).eval()
    if graph_input == 'faces':
        single = (torch.from_numpy(face[None]) for face in faces)
        prepared = torch.cat([preprocessor(face) for face in single])
        compare_pixels(prepared * preprocessor.std, images * preprocessor.std)
        expected = _predict(model, prepared)
    source = ExportSource(
        loaded.config,
        model,
        module,
        description,
        data,
        expected,
        by_pipeline,
        checked_on,
        faces,
    )
    source.inputs = [x for batch in batches for x in source.graph_inputs(batch)]
    return source


def _with_rendered_faces(config: Config, count: int) -> Config:
    """Replace the test set of a config by rendered faces, as large as detected ones."""
    dataset = {
        'type': 'mmqcs.SynthFER',
        'split': 'test',
        'num_images': count,
        'image_size': 112,
        'pipeline': config.test_dataloader.dataset.pipeline,
    }
    return Config({'test_dataloader': {'dataset': dataset}})


def class_names(
    count: int, of_weights: Sequence[str] | None, of_data: Sequence[str] | None
) -> tuple[str, ...]:
    """Return the names of ``count`` classes; checkpoint and test set must agree.

    The names are '0', '1' and so on if neither has names.
    """
    names = tuple(of_weights or of_data or map(str, range(count)))
    if of_data and tuple(of_data) != names:
        own, other = ', '.join(names), ', '.join(of_data)
        raise ExportError(f'the checkpoint has {own}, but the test set has {other}')
    if len(names) != count:
        found = f'{len(names)} classes ({", ".join(names)})'
        raise ExportError(f'the test set has {found}, but the model {count} scores')
    return names


def compare_pixels(found: Tensor, expected: Tensor) -> None:
    """Raise an error if pixels, in levels of 255, differ by more than two levels."""
    difference = float((found - expected).abs().max())
    if not difference < 2.5:
        raise ExportError(
            f'the graph resizes differently from the test pipeline: pixels differ by '
            f'{difference:.0f} levels of 255. Use --with-preprocessing pixels to keep '
            f'the resizing out of the graph'
        )


def _normalisation(model: ImageClassifier) -> dict[str, Any]:
    """Return the fields of a description that replace the data preprocessor."""
    preprocessor = model.data_preprocessor
    if not isinstance(preprocessor, ClsDataPreprocessor):
        kind = type(preprocessor).__name__
        raise ExportError(f'the data preprocessor is a {kind}, not ClsDataPreprocessor')
    mean = std = None
    if preprocessor._enable_normalize:
        mean, std = (
            tuple(buffer.flatten().expand(3).tolist())
            for buffer in (preprocessor.mean, preprocessor.std)
        )
    return {'swap_channels': preprocessor.to_rgb, 'mean': mean, 'std': std}


def _normalised(model: ImageClassifier, batch: FaceBatch) -> Tensor:
    return model.data_preprocessor({'inputs': batch.images})['inputs']


@torch.inference_mode()
def _predict(model: ImageClassifier, images: Tensor) -> np.ndarray:
    samples = model(images, mode='predict')
    return torch.stack([sample.pred_score for sample in samples]).numpy()
