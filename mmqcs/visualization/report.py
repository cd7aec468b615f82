"""A report of a work dir in one HTML file, without scripts and outside resources."""

import base64
import html
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from mmqcs.atomic import write_text
from mmqcs.functional.bootstrap import accuracies, bootstrap_intervals
from mmqcs.runs.evaluations import Evaluation, find_evaluation
from mmqcs.runs.log import (
    Validation,
    accuracy_text,
    read_validations,
    scalar_files,
    validation_rows,
)
from mmqcs.runs.predictions import Predictions
from mmqcs.runs.record import ERRORS, RECORD, RunRecord, read_records

from .confusion_matrix import confusion_figure
from .curves import curves_figure, read_panels
from .style import encode_figure

__all__ = ['build_report', 'write_report']

NAME = 'report.html'
MOST_CLASSES = 100
"""More get no intervals: each draw holds as many numbers as the confusion matrix."""

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #1b1f24; background: #fff;
  max-width: 1120px; margin: 2rem auto; padding: 0 1.2rem; }
h1 { font-size: 1.6rem; margin-bottom: .2rem; }
h2 { font-size: 1.15rem; margin-top: 2.4rem; border-bottom: 1px solid #c8cdd3; }
table { border-collapse: collapse; margin: .6rem 0; }
th, td { padding: .25rem .8rem; text-align: left; border-bottom: 1px solid #e3e6ea;
  vertical-align: top; }
td:last-child { overflow-wrap: anywhere; }
th { font-weight: 600; white-space: nowrap; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; }
tr.total > * { border-top: 2px solid #c8cdd3; font-weight: 600; }
img { max-width: 100%; height: auto; }
pre { background: #f5f6f8; padding: .8rem; overflow-x: auto; font-size: 13px; }
summary { cursor: pointer; }
.note { color: #57606a; }
"""


def write_report(work_dir: Path) -> Path:
    """Builds the report of a work dir and writes it there, as report.html.

    Args:
        work_dir: See :func:`build_report`.

    Returns:
        The file. It is replaced as a whole or not at all.

    Raises:
        FileNotFoundError, ValueError: See :func:`build_report`.

    Examples:
        >>> write_report(Path('work_dirs/run')).name
        'report.html'
    """
    text = build_report(work_dir)
    path = work_dir / NAME
    write_text(path, text)
    return path


def build_report(work_dir: Path) -> str:
    """Builds the report of a work dir from what its runs wrote.

    The predictions shown are those of the newest run that has any: of a training, those
    of its best validation.

    Args:
        work_dir: Of runs with ``mmqcs.ReportHook``.

    Returns:
        HTML, which loads nothing and runs nothing; all text of the runs is escaped.

    Raises:
        FileNotFoundError: No run in it has a record.
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
    validations = read_validations(work_dir)
    evaluation = find_evaluation(runs, validations)
    main = next((r for _, r in reversed(runs) if r.kind == 'train'), runs[-1][1])
    sections = [
        _summary(validations, evaluation),
        _section('Runs', _runs_table(runs)),
        _section('Curves', _curves(work_dir)),
        *_evaluation_sections(evaluation),
        _section('Images of each class', _counts_table(runs)),
        _section('Configuration', _config(main)),
        _section('Environment', _environment(main)),
    ]
    return _page(main.config_name, sections)


def _page(title: str, sections: Iterable[str]) -> str:
    name = html.escape(title)
    policy = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width">\n'
        f'<title>Report: {name}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n'
        f'<h1>{name}</h1>\n' + '\n'.join(sections) + '\n</body>\n</html>\n'
    )


def _section(title: str, content: str) -> str:
    return f'<h2>{html.escape(title)}</h2>\n{content}'


def _note(text: str) -> str:
    return f'<p class="note">{html.escape(text)}</p>'


def _picture(content: bytes, kind: str, alt: str) -> str:
    code = base64.b64encode(content).decode()
    return f'<img alt="{html.escape(alt)}" src="data:image/{kind};base64,{code}">'


def _table(
    rows: Sequence[Sequence[object]], head: Sequence[str] = (), total: bool = False
) -> str:
    """A table whose first column holds titles; numbers are set to the right.

    Args:
        rows: Cells; None is an empty one, floats are percentages.
        head: Titles of the columns.
        total: Whether the last row sums up the others.
    """
    numeric = [
        any(isinstance(row[i], int | float) for row in rows)
        for i in range(len(rows[0]))
    ]

    def cell(value: object, tag: str, column: int) -> str:
        if isinstance(value, float):
            value = f'{value:.2f}'
        elif isinstance(value, int):
            value = f'{value:,}'
        text = '' if value is None else html.escape(str(value))
        kind = ' class="number"' if numeric[column] else ''
        return f'<{tag}{kind}>{text}</{tag}>'

    lines = []
    if head:
        lines.append(''.join(cell(text, 'th', i) for i, text in enumerate(head)))
    for row in rows:
        first, *others = row
        cells = [cell(x, 'td', i) for i, x in enumerate(others, start=1)]
        lines.append(cell(first, 'th', 0) + ''.join(cells))
    marks = [''] * len(lines)
    if total:
        marks[-1] = ' class="total"'
    body = '\n'.join(
        f'<tr{mark}>{line}</tr>' for mark, line in zip(marks, lines, strict=True)
    )
    return f'<table>\n{body}\n</table>'


def _summary(validations: list[Validation], evaluation: Evaluation | None) -> str:
    rows = list(validation_rows(validations))
    if evaluation is not None:
        matrix = evaluation.predictions.confusion_matrix()
        intervals: Sequence = (None, None)
        if len(matrix) <= MOST_CLASSES:
            intervals = bootstrap_intervals(matrix, np.random.default_rng(0))
        top1, mean_class = map(accuracy_text, accuracies(matrix), intervals)
        text = f'top-1 {top1}, mean class {mean_class}'
        rows.append((f'Shown below: {evaluation.title}', text))
    if not rows:
        return _note('No run in this folder was validated or tested.')
    return _table(rows)


def _runs_table(runs: Sequence[tuple[Path, RunRecord]]) -> str:
    rows = [(folder.name, record.kind, record.command) for folder, record in runs]
    return _table(rows, ('Folder', 'What', 'Command'))


def _curves(work_dir: Path) -> str:
    panels = read_panels(scalar_files(work_dir))
    if not panels:
        return _note(
            'No run in this folder wrote scalars of a training: it needs a visualizer '
            'with LocalVisBackend.'
        )
    content = encode_figure(curves_figure(panels, columns=2), '.svg')
    names = ', '.join(panel.title for panel in panels)
    return _picture(content, 'svg+xml', f'Curves of the training: {names}')


def _evaluation_sections(evaluation: Evaluation | None) -> list[str]:
    if evaluation is None:
        text = 'No predictions were kept: there was no validation or test of classes.'
        return [_section('Confusion matrix', _note(text))]
    predictions, title = evaluation.predictions, evaluation.title
    figure = confusion_figure(predictions.confusion_matrix(), predictions.classes)
    picture = _picture(encode_figure(figure, '.svg'), 'svg+xml', 'Confusion matrix')
    sheet = evaluation.folder / ERRORS
    if sheet.is_file():
        worst = _picture(sheet.read_bytes(), 'png', 'The worst errors, with captions')
    elif (predictions.labels == predictions.predicted).all():
        worst = _note('There are none.')
    else:
        worst = _note(f'{sheet} is missing: the run did not come to its end.')
    return [
        _section(f'Confusion matrix of the {title}', picture),
        _section(f'Classes in the {title}', _class_table(predictions)),
        _section(f'Worst errors of the {title}', worst),
    ]


def _class_table(predictions: Predictions) -> str:
    figures = predictions.class_figures()
    rows = [(f.name, f.support, f.precision, f.recall, f.f1) for f in figures]
    means = []
    for values in list(zip(*rows, strict=True))[2:]:
        present = [value for value in values if value is not None]
        means.append(float(np.mean(present)) if present else None)
    rows.append(('All images, means of the classes', len(predictions.labels), *means))
    head = ('Class', 'Images', 'Precision (%)', 'Recall (%)', 'F1 (%)')
    note = 'The mean of the recalls is the mean class accuracy.'
    return _table(rows, head, total=True) + _note(note)


def _counts_table(runs: Sequence[tuple[Path, RunRecord]]) -> str:
    counts: dict[str, dict[str, int]] = {}
    for _, record in runs:
        counts.update(record.counts)
    if not counts:
        return _note('The data sets of these runs have no single labels.')
    names = list(dict.fromkeys(name for split in counts.values() for name in split))
    rows = [
        (name, *(split.get(name, 0) for split in counts.values())) for name in names
    ]
    rows.append(('All', *(sum(split.values()) for split in counts.values())))
    return _table(rows, ('Class', *counts), total=True)


def _config(record: RunRecord) -> str:
    return (
        f'<details><summary>{html.escape(record.config_name)}, '
        f'{len(record.config.splitlines())} lines</summary>\n'
        f'<pre>{html.escape(record.config)}</pre></details>'
    )


def _environment(record: RunRecord) -> str:
    rows = [
        *record.environment.items(),
        ('Processes', str(record.processes)),
        ('Seed', 'none' if record.seed is None else str(record.seed)),
        ('Command', record.command),
    ]
    return _table(rows)
