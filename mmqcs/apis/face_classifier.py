"""A trained classifier for single faces, from whatever names it."""

import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.config import Config
from mmengine.dataset import Compose, default_collate
from mmengine.device import get_device
from mmengine.registry import DATASETS, DefaultScope
from mmpretrain import get_model
from mmpretrain.registry import TRANSFORMS
from torch import Tensor

from mmqcs.checkpoints import checkpoint_classes, embedded_config
from mmqcs.checkpoints.inference_weights import load_inference_weights
from mmqcs.checkpoints.reference.recipes import RECIPES
from mmqcs.checkpoints.safe_load import CheckpointError, read_checkpoint
from mmqcs.datasets.base.fer_dataset import FERDataset
from mmqcs.deployment.scores import check_scores
from mmqcs.expressions import target_classes
from mmqcs.register import register_model_index

__all__ = ['FaceClassifier', 'is_checkpoint', 'load_config']


class FaceClassifier:
    """Names the expression of faces that are cut out already.

    Args:
        model: Name of a config (``'qcs_ir50_raf'``), file of a config, a config, or a
            checkpoint that holds its config, as those of training runs and of
            ``publish_model.py`` do. A config in a checkpoint is read, not run.
        checkpoint: Weights, where ``model`` is no checkpoint; None leaves them random,
            which gives a warning.
        device: Where the model runs. By default a GPU if there is one.
        batch_size: Faces that go through the network at once.
        trust: Whether a config in a checkpoint may name any part that can be imported,
            not only those on the lists of :mod:`mmqcs.checkpoints`. Building it can
            then run any code.

    Raises:
        FileNotFoundError: A file is missing.
        ValueError: There is no model of this name, a checkpoint alone holds no config,
            or the classes have no names.
        CheckpointError: The checkpoint is damaged, its config names a part
            that a file must not name, or its weights are not finite numbers or do not
            fit the model; the message says which.

    Examples:
        >>> classify = FaceClassifier('work_dirs/qcs.pth')
        >>> classify.classes
        ('Surprise', 'Fear', 'Disgust', 'Happiness', 'Sadness', 'Anger', 'Neutral')
        >>> scores = classify([np.zeros((112, 112, 3), np.uint8)])
        >>> scores.shape
        (1, 7)
    """

    def __init__(
        self,
        model: str | Path | Config,
        checkpoint: str | Path | None = None,
        device: str | None = None,
        batch_size: int = 32,
        trust: bool = False,
    ) -> None:
        if batch_size < 1:
            raise ValueError(f'batch_size must be at least 1, got {batch_size}')
        self.batch_size = batch_size
        config, weights, embedded = _find(model, checkpoint, trust)
        self.config = config
        with _named(model) if embedded else nullcontext():
            self.model = _build(config)
            self.pipeline = _pipeline(config)
            if weights is None:
                warnings.warn(
                    'no checkpoint is given: the weights are random, and so are the '
                    'scores',
                    stacklevel=2,
                )
            else:
                load_inference_weights(self.model, weights, checkpoint or model)
            self.model.to(device or get_device())
            outputs = getattr(getattr(self.model, 'head', None), 'num_classes', None)
            self.classes = _classes(config, weights, outputs, checkpoint or model)
            self.face_template = config.get('face_template')
            if embedded:  # settings can also fail once they are used
                self([np.zeros((112, 112, 3), np.uint8)])

    def __call__(self, faces: Sequence[np.ndarray]) -> np.ndarray:
        """Scores of faces.

        Args:
            faces: BGR, uint8 (H, W, 3), of any size.

        Returns:
            (N, classes), each row summing to 1.

        Raises:
            ValueError: A score is NaN: the network overflows.
        """
        scores = [np.empty((0, len(self.classes)), np.float32)]
        for start in range(0, len(faces), self.batch_size):
            batch = self._collate(faces[start : start + self.batch_size])
            with torch.no_grad():
                found = self.model.test_step(batch)
            scores.append(np.stack([x.pred_score.cpu().numpy() for x in found]))
        return check_scores(np.concatenate(scores))

    def views(self, faces: Sequence[np.ndarray]) -> np.ndarray:
        """What the network sees of faces: what the test pipeline makes of them.

        Args:
            faces: BGR, uint8 (H, W, 3), of any size; at least one.

        Returns:
            BGR, uint8 (N, h, w, 3).
        """
        inputs = torch.stack(list(self._collate(faces)['inputs']))
        return inputs.permute(0, 2, 3, 1).numpy().astype(np.uint8)

    def prepare(self, faces: Sequence[np.ndarray]) -> Tensor:
        """The same as the network takes it: normalised, on its device.

        Args:
            faces: As above.

        Returns:
            (N, 3, h, w).
        """
        batch = self._collate(faces)
        return self.model.data_preprocessor(batch, training=False)['inputs']

    def _collate(self, faces: Sequence[np.ndarray]) -> dict[str, Any]:
        return default_collate(
            [
                self.pipeline(
                    {'img': x, 'img_shape': x.shape[:2], 'ori_shape': x.shape[:2]}
                )
                for x in faces
            ]
        )


def is_checkpoint(model: str | Path | Config) -> bool:
    """Whether a model is named by a file of weights, not by a config."""
    return not isinstance(model, Config) and Path(model).suffix in ('.pth', '.pt')


def _find(
    model: str | Path | Config, checkpoint: str | Path | None, trust: bool
) -> tuple[Config, dict[str, Any] | None, bool]:
    """The config, the content of the checkpoint, and whether it held the config."""
    if checkpoint is not None:
        return load_config(model), _read(checkpoint), False
    if not is_checkpoint(model):
        return load_config(model), None, False
    content = _read(model)
    meta = content.get('meta') or {}
    if not isinstance(meta, Mapping):
        raise CheckpointError(f'{model}: meta is a {type(meta).__name__}, not a dict')
    if isinstance(meta.get('cfg'), str):
        if trust:
            warnings.warn(
                f'{model} is trusted: its config can run any code', stacklevel=3
            )
        return embedded_config(meta['cfg'], model, trust), content, True
    if isinstance(meta.get('recipe'), str):
        # a name is looked up, so that a file cannot have a config of its own read
        if meta['recipe'] not in {recipe.name for recipe in RECIPES}:
            raise CheckpointError(
                f'{model} names the recipe {meta["recipe"]!r:.60}, which is not one of '
                f'the published ones: {", ".join(recipe.name for recipe in RECIPES)}'
            )
        return load_config(meta['recipe']), content, False
    raise ValueError(
        f'{model} holds no config: give the config or its name as the model, and '
        f'this file as the checkpoint'
    )


def load_config(model: str | Path | Config) -> Config:
    """A config by its file or its name in the list of models.

    Args:
        model: File, name (``'qcs_ir50_raf'``), or a config, which stays as it is.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: There is no model of this name, or it is another kind of file.
    """
    if isinstance(model, Config):
        return model
    if Path(model).suffix == '.py':
        if not Path(model).is_file():
            raise FileNotFoundError(f'no config at {model}')
        return Config.fromfile(str(model))
    if Path(model).suffix:
        raise ValueError(
            f'{model} is neither a config (.py) nor a checkpoint (.pth) nor a name'
        )
    from mmpretrain.apis import ModelHub

    register_model_index()
    try:
        return ModelHub.get(str(model)).config
    except ValueError as error:
        raise ValueError(
            f'no model is named {model!r}; mmpretrain.list_models() lists the names'
        ) from error


def _read(path: str | Path) -> dict[str, Any]:
    if not Path(path).is_file():
        raise FileNotFoundError(f'no checkpoint at {path}')
    content = read_checkpoint(path)
    if not isinstance(content, dict):
        raise CheckpointError(f'{path} holds no weights')
    return content


@contextmanager
def _named(path: str | Path) -> Iterator[None]:
    """Tell which file holds a config that cannot be built."""
    try:
        yield
    except CheckpointError:
        raise
    except Exception as error:  # settings of any kind can raise anything
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise CheckpointError(
            f'{path}: the config in it does not work: {reason}'
        ) from error


def _build(config: Config) -> torch.nn.Module:
    config = Config(config.to_dict())
    if config.model.get('backbone', {}).get('init_cfg'):
        config.model.backbone.init_cfg = None  # weights of a run replace these
    return get_model(config, pretrained=False)


def _classes(
    config: Config,
    content: dict[str, Any] | None,
    outputs: int | None,
    path: str | Path | Config,
) -> tuple[str, ...]:
    """Names from the checkpoint, else from the dataset of the config."""
    meta = (content or {}).get('meta') or {}
    classes = checkpoint_classes(meta, path) or _dataset_classes(
        config.get('test_dataloader', {}).get('dataset', {})
    )
    if not classes:
        raise ValueError(
            'the classes of the classifier have no names: neither its checkpoint nor '
            'the dataset of its config gives them'
        )
    if outputs is not None and len(classes) != outputs:
        raise ValueError(
            f'the model has {outputs} outputs, but {len(classes)} classes have names: '
            f'{", ".join(classes)}. Is the dataset of the config the one the model '
            f'was trained on?'
        )
    return tuple(classes)


def _dataset_classes(dataset: dict[str, Any]) -> tuple[str, ...] | None:
    if not dataset:
        return None
    if classes := (dataset.get('metainfo') or {}).get('classes'):
        return classes
    with DefaultScope.overwrite_default_scope('mmpretrain'):
        kind = DATASETS.get(dataset['type'])
    own = getattr(kind, 'METAINFO', {}).get('classes')
    if isinstance(kind, type) and issubclass(kind, FERDataset):
        order, count = dataset.get('label_order', 'own'), dataset.get('num_classes')
        return target_classes(own, order, count)
    return own


def _pipeline(config: Config) -> Compose:
    """The test pipeline without what loads images and crops them by a label file."""
    steps = config.test_dataloader.dataset.pipeline
    skipped = ('LoadImageFromFile', 'CropFace')
    return Compose(
        [
            TRANSFORMS.build(step)
            for step in steps
            if step['type'].rpartition('.')[2] not in skipped
        ]
    )
