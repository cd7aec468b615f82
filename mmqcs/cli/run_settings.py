"""Checks the settings of a training that MMEngine takes as they are."""

import difflib
import math
from collections.abc import Callable, Iterator
from typing import Any

from mmengine.config import Config
from mmengine.registry import OPTIMIZERS, Registry

__all__ = ['check_settings', 'closest_type']


def _is_integer(minimum: int) -> Callable[[Any], bool]:
    return lambda value: type(value) is int and value >= minimum


def _is_number(minimum: float, included: bool) -> Callable[[Any], bool]:
    def check(value: Any) -> bool:
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if not number or not math.isfinite(value):
            return False
        return value >= minimum if included else value > minimum

    return check


def _is_scale(value: Any) -> bool:
    values = value if isinstance(value, (list, tuple)) else [value]
    return len(values) in (1, 3) and all(
        _is_number(-math.inf, True)(item) and item != 0 for item in values
    )


def _is_mean(value: Any) -> bool:
    values = value if isinstance(value, (list, tuple)) else [value]
    return len(values) in (1, 3) and all(_is_number(-math.inf, True)(v) for v in values)


_GROUPS = (
    (True, ('model', 'train_dataloader', 'train_cfg', 'optim_wrapper')),
    (False, ('val_dataloader', 'val_cfg', 'val_evaluator')),
)
_LOADERS = ('train_dataloader', 'val_dataloader', 'test_dataloader')
_RULES: tuple[tuple[str, Callable[[Any], bool], str], ...] = (
    ('train_cfg.by_epoch', lambda value: isinstance(value, bool), 'True or False'),
    ('train_cfg.max_epochs', _is_integer(1), 'an integer of at least 1'),
    ('train_cfg.max_iters', _is_integer(1), 'an integer of at least 1'),
    ('train_cfg.val_begin', _is_integer(0), 'an integer of at least 0'),
    ('train_cfg.val_interval', _is_integer(1), 'an integer of at least 1'),
    *(
        (f'{x}.batch_size', _is_integer(1), 'an integer of at least 1')
        for x in _LOADERS
    ),
    *(
        (f'{x}.num_workers', _is_integer(0), 'an integer of at least 0')
        for x in _LOADERS
    ),
    (
        'optim_wrapper.optimizer.lr',
        _is_number(0, True),
        'a finite number of at least 0',
    ),
    (
        'optim_wrapper.optimizer.weight_decay',
        _is_number(0, True),
        'a finite number of at least 0',
    ),
    ('optim_wrapper.accumulative_counts', _is_integer(1), 'an integer of at least 1'),
    (
        'optim_wrapper.clip_grad.max_norm',
        _is_number(0, False),
        'a finite number above 0',
    ),
    ('optim_wrapper.clip_grad.clip_value', _is_number(0, False), 'a number above 0'),
    (
        'default_hooks.checkpoint.interval',
        lambda value: _is_integer(1)(value) or value == -1,
        'an integer of at least 1, or -1 to save after the last epoch only',
    ),
    (
        'randomness.seed',
        lambda value: _is_integer(0)(value) and value < 2**32,
        'an integer from 0 to 4294967295',
    ),
    ('model.data_preprocessor.mean', _is_mean, '1 or 3 finite numbers'),
    ('model.data_preprocessor.std', _is_scale, '1 or 3 finite numbers other than 0'),
    (
        'model.data_preprocessor.to_rgb',
        lambda value: isinstance(value, bool),
        'True or False',
    ),
)


def check_settings(config: Config) -> None:
    """Check numbers that would end a run late, or let it end without a result.

    Args:
        config: Config of a training.

    Raises:
        ValueError: A setting is missing or out of its range, or the optimizer is
            unknown; the message names it.
    """
    settings = config.to_dict()
    _check_groups(settings)
    for key, check, expected in _RULES:
        value = _get(settings, key)
        if value is not None and not check(value):
            raise ValueError(f'{key} must be {expected}, got {value!r}')
    kind = _get(settings, 'optim_wrapper.optimizer.type')
    if isinstance(kind, str):
        scope = config.get('default_scope')
        with OPTIMIZERS.switch_scope_and_registry(scope) as registry:
            if registry.get(kind) is None:
                raise ValueError(
                    f'optim_wrapper.optimizer.type={kind!r} is unknown'
                    f'{closest_type(kind, registry)}'
                )


def _check_groups(settings: dict) -> None:
    for required, keys in _GROUPS:
        missing = [key for key in keys if settings.get(key) is None]
        if missing and (required or len(missing) < len(keys)):
            rest = '' if required else ', or none of them to leave the validation out'
            raise ValueError(
                f'{" and ".join(missing)} must be set in the config: a training needs '
                f'{", ".join(keys)}{rest}'
            )


def _get(settings: Any, key: str) -> Any:
    """Return a nested setting, None if it is absent."""
    for part in key.split('.'):
        settings = settings.get(part) if isinstance(settings, dict) else None
    return settings


def closest_type(name: str, registry: Registry) -> str:
    """Return a half-sentence that suggests registered names, '' if none is close.

    Args:
        name: Name that is not registered.
        registry: Registry of its kind, of any package.
    """
    known = list(_names(registry._get_root_registry()))
    bare = {item.rpartition('.')[2]: item for item in known}
    found = difflib.get_close_matches(name.rpartition('.')[2], bare, n=3, cutoff=0.75)
    return (
        f'; did you mean {" or ".join(bare[item] for item in found)}?' if found else ''
    )


def _names(registry: Registry) -> Iterator[str]:
    own = registry.scope
    for name in registry.module_dict:
        yield name if own in ('mmengine', 'mmpretrain') else f'{own}.{name}'
    for child in registry.children.values():
        yield from _names(child)
