"""The training curves of runs, from the scalars of MMEngine's local backend."""

from collections import defaultdict
from collections.abc import Sequence
from itertools import chain
from pathlib import Path

from mmqcs.visualization.curves import Panel

from .log import read_scalars

__all__ = ['read_panels']

# prefix of a key: title and unit of its panel
_PANELS = {
    'loss': ('Loss', 'Loss'),
    'ce_base/': ('Base loss per image of a group', 'Cross-entropy'),
    'ce_cross/': ('Cross loss per image of a group', 'Cross-entropy'),
    'theta/': ('Balance θ per level: D is weighted by 1 + tanh θ', 'θ'),
    'accuracy': ('Accuracy', 'Percent'),
}


def read_panels(paths: Sequence[Path]) -> list[Panel]:
    """Read the training curves of one run, or of several runs that continue each other.

    Training records carry their iteration. Validation records count epochs or
    iterations, depending on the loop, so they are placed at the last training record
    before them. Later runs replace the records of earlier runs from the iteration on
    at which they resume.

    Args:
        paths: ``scalars.json`` of the runs in order, with one JSON object per line.

    Returns:
        The panels that have curves, losses first.

    Raises:
        ValueError: A line is not a JSON object.

    Examples:
        >>> from mmqcs.runs.log import scalar_files
        >>> panels = read_panels(scalar_files(Path('work_dirs/run')))
        >>> [panel.title for panel in panels]
        ['Loss', 'Accuracy']
    """
    found: dict[str, dict[str, dict[int, float]]]
    found = {prefix: defaultdict(dict) for prefix in _PANELS}
    for path in paths:
        iteration = None
        for record in read_scalars(path):
            training = 'loss' in record
            if training:
                if iteration is None:  # of a resumed run, which replaces later records
                    for points in chain(*map(dict.values, found.values())):
                        for step in [s for s in points if s >= record['step']]:
                            del points[step]
                iteration = record['step']
            if iteration is None:
                continue
            for key, value in record.items():
                prefix = next((p for p in _PANELS if key.startswith(p)), None)
                name = prefix and _curve_name(key, prefix, training)
                if prefix and name:
                    found[prefix][name][iteration] = value
    panels = []
    for prefix, curves in found.items():
        kept = {
            name: sorted(points.items()) for name, points in curves.items() if points
        }
        if kept:
            panels.append(Panel(*_PANELS[prefix], kept))
    return panels


def _curve_name(key: str, prefix: str, training: bool) -> str | None:
    if prefix == 'accuracy':
        if key.endswith(('_low', '_high')):  # ends of intervals
            return None
        return f'{"train" if training else "val"} {key.removeprefix("accuracy/")}'
    if not training:
        return None
    return key.removeprefix(prefix) if prefix.endswith('/') else key
