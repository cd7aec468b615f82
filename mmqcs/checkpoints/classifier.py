"""Loads a trained classifier from whatever names it."""

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmengine.device import get_device
from mmengine.registry import DefaultScope
from mmpretrain.models import ImageClassifier

from mmqcs.registry import MODELS

from .class_names import class_names
from .embedded_config import embedded_config
from .reference.recipes import RECIPES
from .safe_load import CheckpointError, read_checkpoint
from .sources import load_config, local_file, model_kind
from .weights import load_inference_weights


@dataclass(frozen=True)
class LoadedClassifier:
    """A classifier with its weights, in evaluation mode.

    Args:
        model: The classifier, on its device.
        config: Its config.
        classes: Class names in the order of the outputs; None if neither the
            checkpoint nor the dataset of the config names them.
        meta: ``meta`` of the checkpoint, empty if the weights are random.
        source: The checkpoint, else the config, for messages.
        embedded: Whether the config comes out of the checkpoint.
    """

    model: ImageClassifier
    config: Config
    classes: tuple[str, ...] | None
    meta: Mapping[str, Any]
    source: str
    embedded: bool

    def naming_source(self) -> Any:
        """Context in which any error becomes one that names the checkpoint.

        It does so only for a config out of a checkpoint, whose settings can raise
        anything when they are used.
        """
        return _naming(self.source) if self.embedded else nullcontext()


def load_classifier(
    source: str | Path | Config,
    weights: str | Path | None = None,
    *,
    trust: bool = False,
    device: str | None = None,
    with_cross: bool = False,
) -> LoadedClassifier:
    """Load a classifier for inference, without running code from the files.

    Weights must fit the model completely. The model is not compiled, whatever its
    config says, because that would take longer than most uses.

    Args:
        source: Checkpoint that holds its config, as those of training runs and of
            ``publish_model.py`` do; or a config, its file, or its name in the model
            index (``'qcs_ir50_raf'``).
        weights: Checkpoint, file or URL, if ``source`` is a config. None leaves the
            weights random and warns.
        trust: Whether the config in a checkpoint may name any part that can be
            imported, instead of those on the lists of :mod:`mmqcs.checkpoints`.
            Building it can then run any code.
        device: Where the model runs. By default a GPU if there is one.
        with_cross: Whether to load the train-only parts of QCS as well. By default
            they keep their initial values.

    Raises:
        FileNotFoundError: A file is missing.
        ValueError: No model has this name, a checkpoint given alone holds no config,
            the config has no classifier, or the number of class names is wrong.
        CheckpointError: The checkpoint is damaged, its config names a part that a file
            must not name, or its weights are not finite numbers or do not fit.

    Examples:
        >>> loaded = load_classifier('work_dirs/qcs.pth', device='cpu')
        >>> loaded.classes
        ('Surprise', 'Fear', 'Disgust', 'Happiness', 'Sadness', 'Anger', 'Neutral')
        >>> loaded.model.training
        False
    """
    content: dict[str, Any] | None
    if weights is None and model_kind(source) == 'checkpoint':
        weights, content = source, _read(source)
        config, embedded = _own_config(content, source, trust)
    else:
        config, embedded = load_config(source), False
        content = None if weights is None else _read(weights)
    name = str(weights or config.filename or 'the config')
    with _naming(name) if embedded else nullcontext():
        model = _build(config, name)
    meta: Mapping[str, Any] = {}
    if content is None:
        warnings.warn(
            'no checkpoint is given: the weights are random, and so are the scores',
            stacklevel=2,
        )
    else:
        meta = load_inference_weights(model, content, name, with_cross)
    outputs = getattr(getattr(model, 'head', None), 'num_classes', None)
    with _naming(name) if embedded else nullcontext():
        classes = class_names(meta, config, outputs, name)
    model = model.to(device or get_device()).eval()
    return LoadedClassifier(model, config, classes, meta, name, embedded)


def _read(path: str | Path) -> dict[str, Any]:
    content = read_checkpoint(local_file(path))
    if not isinstance(content, dict):
        raise CheckpointError(f'{path} holds no weights')
    return content


def _own_config(
    content: dict[str, Any], path: str | Path, trust: bool
) -> tuple[Config, bool]:
    """Return the config of a checkpoint, and whether the checkpoint holds it."""
    meta = content.get('meta') or {}
    if not isinstance(meta, Mapping):
        raise CheckpointError(f'{path}: meta is a {type(meta).__name__}, not a dict')
    if isinstance(meta.get('cfg'), str):
        if trust:
            warnings.warn(
                f'{path} is trusted: its config can run any code', stacklevel=3
            )
        return embedded_config(meta['cfg'], path, trust), True
    if isinstance(meta.get('recipe'), str):
        # a name is looked up, so that a file cannot have a config of its own read
        names = [recipe.name for recipe in RECIPES]
        if meta['recipe'] not in names:
            raise CheckpointError(
                f'{path} names the recipe {meta["recipe"]!r:.60}, which is not one of '
                f'the published ones: {", ".join(names)}'
            )
        return load_config(meta['recipe']), False
    raise ValueError(
        f'{path} holds no config: give the config or its name as the model, and '
        f'this file as the checkpoint'
    )


def _build(config: Config, name: str) -> ImageClassifier:
    settings = config.get('model')
    if not settings:
        raise ValueError(f'{name} has no model')
    settings = {k: v for k, v in settings.items() if k != 'compile'}
    if preprocessor := config.get('data_preprocessor'):
        settings.setdefault('data_preprocessor', preprocessor)
    scope = config.get('default_scope') or 'mmpretrain'
    with DefaultScope.overwrite_default_scope(scope):
        model = MODELS.build(settings)
    if not isinstance(model, ImageClassifier):
        raise ValueError(f'{name} holds a {type(model).__name__}, not a classifier')
    return model


@contextmanager
def _naming(path: str) -> Iterator[None]:
    """Tell which file holds a config that does not work."""
    try:
        yield
    except CheckpointError:
        raise
    except Exception as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise CheckpointError(
            f'{path}: the config in it does not work: {reason}'
        ) from error
