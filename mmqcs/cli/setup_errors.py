"""Tells in one line why a training did not start."""

import math
import re
from collections.abc import Callable
from typing import Any

from mmengine.config import Config
from mmengine.registry import OPTIMIZERS


def _at_least_one(value: Any) -> bool:
    return isinstance(value, int) and value >= 1


def _not_zero(value: Any) -> bool:
    values = value if isinstance(value, (list, tuple)) else [value]
    return all(math.isfinite(item) and item != 0 for item in values)


_RULES: tuple[tuple[str, Callable[[Any], bool], str], ...] = (
    ('train_cfg.max_epochs', _at_least_one, 'an integer of at least 1'),
    ('train_cfg.max_iters', _at_least_one, 'an integer of at least 1'),
    ('train_cfg.val_interval', _at_least_one, 'an integer of at least 1'),
    (
        'default_hooks.checkpoint.interval',
        lambda value: _at_least_one(value) or value == -1,
        'an integer of at least 1, or -1 to save after the last epoch only',
    ),
    ('optim_wrapper.clip_grad.max_norm', lambda value: value > 0, 'above 0'),
    ('model.data_preprocessor.std', _not_zero, 'finite numbers other than 0'),
)
"""Settings that MMEngine accepts and that then end a run late or ruin its result."""


def check_settings(config: Config) -> None:
    """Check settings that would end a run late, without a result, or for no reason.

    Raises:
        ValueError: A setting is out of its range, or the optimizer is unknown.
    """
    settings = config.to_dict()
    for key, check, expected in _RULES:
        value = _get(settings, key)
        if value is not None and not check(value):
            raise ValueError(f'{key} must be {expected}, got {value!r}')
    # MMEngine itself would say that None is not callable
    kind = _get(settings, 'optim_wrapper.optimizer.type')
    if isinstance(kind, str):
        scope = config.get('default_scope')
        with OPTIMIZERS.switch_scope_and_registry(scope) as registry:
            if registry.get(kind) is None:
                raise ValueError(f'optim_wrapper.optimizer.type={kind!r} is unknown')


def _get(settings: Any, key: str) -> Any:
    for part in key.split('.'):
        settings = settings.get(part) if isinstance(settings, dict) else None
    return settings


def describe_error(error: Exception) -> str:
    """Return an error of a runner's construction or first iteration in one line."""
    # the text of a KeyError is quoted
    text = str(error.args[0]) if isinstance(error, KeyError) else str(error)
    lines = text.strip().splitlines() or ['']
    if any(line.startswith('Original Traceback') for line in lines):
        return lines[-1]  # the error of a worker process
    text = re.sub(r'\s+', ' ', ' '.join(lines)).strip()
    if isinstance(error, (ValueError, OSError, KeyError)) and text:
        return text
    return f'{type(error).__name__}: {text}' if text else type(error).__name__


def explains_itself(error: Exception) -> bool:
    """Return whether one line of :func:`describe_error` needs no traceback."""
    text = str(error)
    return (
        isinstance(error, (ValueError, OSError))
        or 'unexpected keyword argument' in text
        or (isinstance(error, KeyError) and ' registry. ' in text)
    )
