"""The report of a work dir: one HTML file that runs nothing and loads nothing."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mmqcs.atomic import write_text
from mmqcs.functional.bootstrap import accuracies, bootstrap_intervals
from mmqcs.visualization import confusion_figure, curves_figure
from mmqcs.visualization.html import EmbeddedImage, render_page
from mmqcs.visualization.style import encode_figure

from .curves import read_panels
from .log import accuracy_text, read_validations, scalar_files, validation_rows
from .predictions import Predictions
from .record import (
    ERRORS,
    RECORD,
    Evaluation,
    RunRecord,
    find_evaluation,
    read_records,
)

__all__ = ['build_report', 'write_report']

NAME = 'report.html'
MAX_CLASSES = 100
"""Largest number of classes with intervals; the bootstrap samples whole matrices."""

_TEMPLATE = Path(__file__).with_name('report.html.jinja')


def write_report(work_dir: Path) -> Path:
    """Write the report of a work dir to ``report.html`` in it, atomically.

    Returns the file. Errors are those of :func:`build_report`.

    Examples:
        >>> write_report(Path('work_dirs/run')).name
        'report.html'
    """
    path = work_dir / NAME
    write_text(path, build_report(work_dir))
    return path


def build_report(work_dir: Path) -> str:
    """Build the report of a work dir from the files of its runs.

    The report shows the predictions of the newest run that has any. For a training run,
    these are the predictions of its best validation.

    Args:
        work_dir: Work dir of runs with ``mmqcs.ReportHook``.

    Returns:
        A self-contained HTML page. All text from the runs is escaped.

    Raises:
        FileNotFoundError: No run in the work dir has a record.
        ValueError: A file of a run cannot be read.

    Examples:
        >>> text = build_report(Path('work_dirs/run'))
        >>> '<h2>Confusion matrix of the ' in text, '<script' in text
        (True, False)
    """
    runs = list(read_records(work_dir))
    if not runs:
        raise FileNotFoundError(
            f'no run with mmqcs.ReportHook in {work_dir}: looked for '
            f'{work_dir}/*/{RECORD}'
        )
    main = next((r for _, r in reversed(runs) if r.kind == 'train'), runs[-1][1])
    validations = read_validations(work_dir)
    evaluation = find_evaluation(runs, validations)
    content: dict[str, Any] = {
        'main': main,
        'summary': list(validation_rows(validations)),
        'runs': [(folder.name, r.kind, r.command) for folder, r in runs],
        'curves': _curves(work_dir),
        'environment': _environment(main),
        'noise': [_noise(x) for x in main.label_noise],
        **_counts([record for _, record in runs]),
    }
    if evaluation is not None:
        content['summary'].append(_accuracies(evaluation))
        content |= _evaluation(evaluation)
    return render_page(_TEMPLATE, **content)


def _accuracies(evaluation: Evaluation) -> tuple[str, str]:
    matrix = evaluation.predictions.confusion_matrix()
    intervals: Sequence = (None, None)
    if len(matrix) <= MAX_CLASSES:
        intervals = bootstrap_intervals(matrix, np.random.default_rng(0))
    top1, mean_class = map(accuracy_text, map(float, accuracies(matrix)), intervals)
    title = f'Shown below: {evaluation.title}'
    return title, f'top-1 {top1}, mean class {mean_class}'


def _curves(work_dir: Path) -> EmbeddedImage | None:
    panels = read_panels(scalar_files(work_dir))
    if not panels:
        return None
    content = encode_figure(curves_figure(panels, columns=2), '.svg')
    names = ', '.join(panel.title for panel in panels)
    return EmbeddedImage.embed(content, 'svg+xml', f'Training curves: {names}')


def _evaluation(evaluation: Evaluation) -> dict[str, Any]:
    predictions = evaluation.predictions
    figure = confusion_figure(predictions.confusion_matrix(), predictions.classes)
    sheet, errors = evaluation.folder / ERRORS, None
    if sheet.is_file():
        alt = 'The worst errors, with captions'
        errors = EmbeddedImage.embed(sheet.read_bytes(), 'png', alt)
    right = (predictions.labels == predictions.predicted).all()
    missing = f'{sheet} is missing: the run was interrupted.'
    return {
        'title': evaluation.title,
        'matrix': EmbeddedImage.embed(
            encode_figure(figure, '.svg'), 'svg+xml', 'Confusion matrix'
        ),
        'classes': _class_rows(predictions),
        'errors': errors,
        'errors_note': 'There are none.' if right else missing,
    }


def _class_rows(predictions: Predictions) -> list[tuple]:
    rows = predictions.class_figures()
    values = np.array([row[2:] for row in rows], float)  # None becomes NaN
    # a column without any value has no mean
    means = [float(np.nanmean(x)) if np.isfinite(x).any() else None for x in values.T]
    return [*rows, ('All images, class means', len(predictions.labels), *means)]


def _counts(records: Sequence[RunRecord]) -> dict[str, Any]:
    counts: dict[str, dict[str, int]] = {}
    for record in records:
        counts.update(record.counts)
    if not counts:
        return {}
    names = list(dict.fromkeys(name for split in counts.values() for name in split))
    rows = [
        (name, *(split.get(name, 0) for split in counts.values())) for name in names
    ]
    rows.append(('All', *(sum(split.values()) for split in counts.values())))
    return {'counts': rows, 'splits': list(counts)}


def _noise(record: dict[str, Any]) -> dict[str, Any]:
    """Describe the wrong labels of a training dataset."""
    classes, flips = record['classes'], record['flips']
    rows = []
    for name, row in zip(classes, flips, strict=True):
        others = [f'{classes[i]} {n:,}' for i, n in enumerate(row) if n]
        rows.append((name, sum(row), ', '.join(others)))
    total = sum(map(sum, flips))
    text = f'rate {record["rate"]}, seed {record["seed"]}: {total:,} labels are wrong.'
    return {'text': text, 'rows': rows}


def _environment(record: RunRecord) -> list[tuple[str, str]]:
    return [
        *record.environment.items(),
        ('Processes', str(record.processes)),
        ('Seed', 'none' if record.seed is None else str(record.seed)),
        ('Command', record.command),
    ]
