"""Reads the config in a checkpoint, restricted to what inference needs."""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import mmpretrain.registry  # noqa: F401  (its registries join those of MMEngine)
from mmengine.config import Config
from mmengine.registry import Registry

from mmqcs.checkpoints.config_text import parse_config_text
from mmqcs.checkpoints.safe_load import CheckpointError
from mmqcs.registry import DATASETS, MODELS, TRANSFORMS

from .allowed_parts import ALLOWED_DATASETS, ALLOWED_MODELS, ALLOWED_TRANSFORMS

Allowed = Mapping[str, Collection[str] | None]

IGNORED = ('init_cfg', 'train_cfg')
"""Settings of training, which inference does not need."""

REFUSED = ('_scope_', 'pretrained', 'file_client_args', 'checkpoint_path')
"""Settings that import packages or read other files."""

_SCOPES = (None, 'mmengine', 'mmpretrain', 'mmqcs')


def embedded_config(text: str, path: str | Path, trust: bool = False) -> Config:
    """Read the config of a checkpoint as data and keep what inference needs.

    Args:
        text: ``meta['cfg']`` of the checkpoint.
        path: The checkpoint, for messages.
        trust: Whether the config may name any part that can be imported. Building it
            then runs whatever the config names.

    Returns:
        Config with ``model``, ``test_dataloader`` and ``face_template``. All parts of
        the model and of the test pipeline are on the lists of ``mmqcs.checkpoints``:
        none of them reads a file or downloads anything when it is built.

    Raises:
        CheckpointError: The text is not the config of a classifier, or names other
            parts; the message says which and where.
    """
    try:
        config = parse_config_text(text)
        if trust:
            return config
        return Config(_restrict(config))
    except ValueError as error:
        raise CheckpointError(f'{path}: {error}') from error


def _restrict(config: Config) -> dict[str, Any]:
    if config.get('custom_imports'):
        raise ValueError(
            f'custom_imports of its config imports modules, which a file may not.'
            f'{_ADVICE}'
        )
    scope = config.get('default_scope')
    if scope not in _SCOPES:
        raise ValueError(
            f'default_scope of its config is {scope!r:.60}; from a file only mmqcs and '
            f'mmpretrain are accepted.{_ADVICE}'
        )
    model = _mapping(config.get('model'), 'model')
    preprocessor = model.get('data_preprocessor', config.get('data_preprocessor'))
    model = {k: v for k, v in model.items() if k != 'data_preprocessor'}
    # ImageClassifier turns it into an init_cfg
    model.pop('pretrained', None)
    if preprocessor is not None:
        preprocessor = _mapping(preprocessor, 'data_preprocessor')
        preprocessor.pop('batch_augments', None)
        # mmpretrain adds the type that belongs to its classifier
        preprocessor.setdefault('type', 'ClsDataPreprocessor')
        model['data_preprocessor'] = preprocessor
    loader = _mapping(config.get('test_dataloader'), 'test_dataloader')
    dataset = _mapping(loader.get('dataset'), 'test_dataloader.dataset')
    return {
        'model': _checked(model, 'model', MODELS, ALLOWED_MODELS),
        'test_dataloader': {'dataset': _restrict_dataset(dataset)},
        'face_template': config.get('face_template'),
    }


def _restrict_dataset(dataset: dict[str, Any]) -> dict[str, Any]:
    where = 'test_dataloader.dataset'
    kept = {
        key: dataset[key]
        for key in ('type', 'label_order', 'num_classes')
        if dataset.get(key) is not None
    }
    if 'type' in kept:
        _check_type(kept['type'], where, DATASETS, ALLOWED_DATASETS)
    metainfo = dataset.get('metainfo')
    if metainfo is not None:
        kept['metainfo'] = _mapping(metainfo, f'{where}.metainfo')
    steps = dataset.get('pipeline')
    if not isinstance(steps, (list, tuple)) or not steps:
        raise ValueError(f'{where}.pipeline of its config is not a list of transforms')
    for number, step in enumerate(steps):
        if 'type' not in _mapping(step, f'{where}.pipeline[{number}]'):
            raise ValueError(f'{where}.pipeline[{number}] of its config has no type')
    kept['pipeline'] = _checked(
        list(steps), f'{where}.pipeline', TRANSFORMS, ALLOWED_TRANSFORMS
    )
    return kept


def _checked(value: Any, where: str, registry: Registry, allowed: Allowed) -> Any:
    """Copy a setting, and check that every part in it is allowed."""
    if isinstance(value, (list, tuple)):
        items = [
            _checked(item, f'{where}[{number}]', registry, allowed)
            for number, item in enumerate(value)
        ]
        return type(value)(items)
    if not isinstance(value, Mapping):
        return value
    copy = {}
    for key, item in value.items():
        place = f'{where}.{key}'
        if key in IGNORED:
            continue
        if key == '_scope_' and item == 'mmpretrain':
            continue  # MMEngine writes it for a _base_ of MMPretrain
        if key in REFUSED and item not in (None, False):
            raise ValueError(
                f'{place} of its config would import a package or read another file, '
                f'which a file may not.{_ADVICE}'
            )
        if key == 'backend_args' and item not in (None, {'backend': 'local'}):
            raise ValueError(
                f'{place} of its config is {item!r:.60}; only local files may be '
                f'read.{_ADVICE}'
            )
        if key == 'type':
            _check_type(item, where, registry, allowed)
        copy[key] = _checked(item, place, registry, allowed)
    return copy


def _check_type(name: Any, where: str, registry: Registry, allowed: Allowed) -> None:
    # Registry.get() imports ``scope.registry`` and any name that is not registered, so
    # the name is checked before a registry sees it
    scope, _, short = str(name).rpartition('.')
    own = scope == 'mmqcs'
    known = isinstance(name, str) and (own or scope in ('', 'mmpretrain', 'mmengine'))
    names = allowed['mmqcs' if own else 'mmpretrain']
    known = known and (names is None or short in names)
    if not known or not _is_registered(short, registry, own):
        raise ValueError(
            f'{where} of its config has type={name!r:.80}, which is not among the '
            f'parts that a file may name.{_ADVICE}'
        )


def _is_registered(name: str, registry: Registry, own: bool) -> bool:
    if own:
        registry.import_from_location()
        return name in registry.module_dict
    stock = registry.parent.children['mmpretrain']
    stock.import_from_location()
    return name in stock.module_dict or name in registry.parent.module_dict


def _mapping(value: Any, where: str) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        problem = 'is missing' if value is None else f'is {value!r:.60}, not a dict'
        raise ValueError(f'{where} of its config {problem}')
    return dict(value)


_ADVICE = (
    ' If you trust the source of the file, pass its config as the model and the file '
    'as the checkpoint, or allow everything with --trust-checkpoint (trust=True)'
)
