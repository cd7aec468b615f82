"""Finds and checks the checkpoint to resume a training from."""

import string
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import torch

from mmqcs.checkpoints.safe_load import (
    CheckpointError,
    ForeignObjectError,
    load_weights_only,
)


class Found(NamedTuple):
    """The newest readable checkpoint, and why newer ones cannot be resumed from."""

    path: Path
    epoch: int
    iteration: int
    skipped: list[str]


def read_resumable(path: str | Path, trust: bool = False) -> dict[str, Any]:
    """Read a checkpoint and check that a training can continue from it.

    With ``trust``, foreign objects are loaded, which runs code in the file.

    Raises:
        CheckpointError: It cannot be read, or is not a checkpoint of a training.
    """
    try:
        checkpoint = load_weights_only(path)
    except ForeignObjectError:
        if not trust:
            raise
        # runs code in the file, which the user allows with --trust-checkpoint
        checkpoint = torch.load(path, map_location='cpu', weights_only=False)
    problem = _problem(checkpoint)
    if problem:
        raise CheckpointError(
            f'{path} is not a checkpoint of a training: {problem}. To start from its '
            f'weights, set load_from instead of --resume'
        )
    return checkpoint


def _problem(checkpoint: Any) -> str:
    """Say why MMEngine cannot resume from an object, '' if it can."""
    if not isinstance(checkpoint, dict):
        return f'it holds a {type(checkpoint).__name__}'
    for key in ('state_dict', 'meta', 'message_hub', 'optimizer'):
        if not isinstance(checkpoint.get(key), dict):
            return f'it has no {key}'
    hub = checkpoint['message_hub']
    for key in ('log_scalars', 'runtime_info', 'resumed_keys'):
        if not isinstance(hub.get(key), dict):
            return f'its message_hub has no {key}'
    for key in ('epoch', 'iter'):
        count = checkpoint['meta'].get(key)
        if type(count) is not int or count < 0:
            return f'meta.{key} is {count!r}'
    weights = checkpoint['state_dict'].items()
    if not all(isinstance(k, str) and torch.is_tensor(v) for k, v in weights):
        return 'state_dict holds more than named tensors'
    return ''


def find_newest(folders: Iterable[str | Path], trust: bool = False) -> Found | None:
    """Find the newest checkpoint that a training can continue from.

    This is the one with most iterations, and of equals the one written last. The file
    ``last_checkpoint`` is ignored, because a killed run can leave it out of date.

    Returns:
        The checkpoint, or None if the folders hold none at all.

    Raises:
        CheckpointError: There are checkpoints, but a training can continue from none.
    """
    roots = list(dict.fromkeys(map(Path, folders)))
    files = [path for root in roots for path in root.glob('*.pth')]
    if not files:
        return None
    # files such as epoch_1.pth, epoch_2.pth, of which only the newest need be read
    series: dict[tuple[Path, str], list[tuple[int, float, Path]]] = {}
    for path in files:
        if not path.name.startswith('best_'):  # those hold only weights
            name = path.stem.rstrip(string.digits)
            entry = int(path.stem[len(name) :] or 0), path.stat().st_mtime, path
            series.setdefault((path.parent, name), []).append(entry)
    skipped: list[str] = []
    newest = None
    for entries in series.values():
        for _, written, path in sorted(entries, reverse=True):
            try:
                meta = read_resumable(path, trust)['meta']
            except CheckpointError as error:
                skipped.append(str(error))
                continue
            key = meta['iter'], written
            if newest is None or key > newest[0]:
                newest = key, Found(path, meta['epoch'], meta['iter'], skipped)
            break
    if newest is None:
        places = ' and '.join(map(str, roots))
        reasons = ': ' + ('; '.join(skipped) or 'there are only weights (best_*.pth)')
        raise CheckpointError(
            f'no checkpoint in {places} can be resumed{reasons}. Start from weights '
            f'with load_from, or start again in another work dir'
        )
    return newest[1]
