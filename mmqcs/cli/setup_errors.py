"""Says in one line why a training did not start."""

import re
import traceback
from collections.abc import Iterator
from types import FrameType, TracebackType
from typing import Any

from mmengine.config import Config
from mmengine.runner import Runner
from torch import nn

from mmqcs.cli.run_settings import closest_type

__all__ = ['describe_error', 'explains_itself']

# Functions that build a part, and the name of their argument that holds its config.
_BUILDERS = {
    'build_from_cfg': 'cfg',
    'build_dataloader': 'dataloader',
    'build_train_loop': 'loop',
    'build_val_loop': 'loop',
}


def describe_error(error: Exception, config: Config) -> str:
    """Return one line that names the failing part of a config and what is wrong.

    Args:
        error: Raised, and caught, while a runner was built or did its first iteration.
        config: Config of the run.
    """
    frames = list(_frames(error.__traceback__))
    part = _module(frames) or _config_part(frames, config.to_dict())
    text = _unknown_type(error, frames) or _message(error)
    return f'{part}: {text}' if part else text


def explains_itself(error: Exception) -> bool:
    """Return whether one line of :func:`describe_error` needs no traceback."""
    if isinstance(error, (ValueError, OSError)):
        return True
    if isinstance(error, TypeError):
        return 'unexpected keyword argument' in str(error)
    return bool(_unknown_type(error, list(_frames(error.__traceback__))))


def _frames(trace: TracebackType | None) -> Iterator[FrameType]:
    while trace is not None:
        yield trace.tb_frame
        trace = trace.tb_next


def _message(error: Exception) -> str:
    lines = str(error).strip().splitlines() or ['']
    if any(line.startswith('Original Traceback') for line in lines):
        return lines[-1]  # the error of a worker process
    text = re.sub(r'\s+', ' ', ' '.join(lines)).strip()
    if isinstance(error, AssertionError) and not text:
        text = traceback.extract_tb(error.__traceback__)[-1].line or ''
    if isinstance(error, (ValueError, OSError)) and text:
        return text
    return f'{type(error).__name__}: {text}' if text else type(error).__name__


def _module(frames: list[FrameType]) -> str:
    """Name the innermost module of the model that ran, '' if none did."""
    runner = next(
        (
            f.f_locals['self']
            for f in frames
            if isinstance(f.f_locals.get('self'), Runner)
        ),
        None,
    )
    model = getattr(runner, 'model', None)
    if not isinstance(model, nn.Module):
        return ''
    names = {id(module): name for name, module in model.named_modules()}
    for frame in reversed(frames):
        name = names.get(id(frame.f_locals.get('self')))
        if name:
            return f'model.{name}'
    return ''


def _build_frame(frames: list[FrameType]) -> FrameType | None:
    """Return the innermost call that builds a part of the config."""
    builds = [f for f in frames if f.f_code.co_name in _BUILDERS]
    return builds[-1] if builds else None


def _config_part(frames: list[FrameType], config: dict) -> str:
    """Name the part of the config that could not be built, '' if that is unknown."""
    for frame in reversed(frames):
        wanted = frame.f_locals.get(_BUILDERS.get(frame.f_code.co_name, ''))
        if not isinstance(wanted, dict):
            continue
        kind = wanted.get('type')
        paths = [path for path, part in _parts(config, '') if part == wanted]
        if not paths and kind is not None:
            paths = [p for p, part in _parts(config, '') if part.get('type') == kind]
        name = kind if isinstance(kind, str) else getattr(kind, '__name__', '')
        if paths or name:
            return f'{paths[0]} ({name})' if paths and name else [*paths, name][0]
    return ''


def _parts(config: Any, path: str) -> Iterator[tuple[str, dict]]:
    if isinstance(config, dict):
        if path:
            yield path, config
        for key, value in config.items():
            yield from _parts(value, f'{path}.{key}' if path else str(key))
    elif isinstance(config, (list, tuple)):
        for i, value in enumerate(config):
            yield from _parts(value, f'{path}[{i}]')


def _unknown_type(error: Exception, frames: list[FrameType]) -> str:
    """Return the message for a type that no registry knows, '' for other errors."""
    frame = _build_frame(frames)
    if not isinstance(error, KeyError) or frame is None:
        return ''
    local = frame.f_locals
    if not isinstance(local.get('obj_type'), str) or local.get('obj_cls') is not None:
        return ''
    name, registry = local['obj_type'], local['registry']
    return f'unknown {registry.name} type {name!r}{closest_type(name, registry)}'
