"""Plans of ablations, and the statistics of their results."""

import re
import statistics
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from scipy.stats import t as student

Options = dict[str, Any]
"""Settings by their path in a config, as in ``--cfg-options``."""


class Cell(NamedTuple):
    """Training behind one cell of a table: a config and the settings that change it."""

    name: str
    config: str
    options: Options


class Table(NamedTuple):
    """Rows of methods, columns of budgets; the first row is the reference."""

    title: str
    rows: dict[str, dict[str, Cell]]

    @property
    def reference(self) -> str:
        """Name of the row that the others are compared with."""
        return next(iter(self.rows))

    @property
    def budgets(self) -> list[str]:
        """Names of the columns, in order of appearance."""
        return list(dict.fromkeys(b for row in self.rows.values() for b in row))


class Plan(NamedTuple):
    """An ablation: what to prepare, what to train and how to show it."""

    seeds: list[int]
    prepare: dict[str, list[str]]
    tables: list[Table]

    def cells(self) -> Iterator[Cell]:
        """Yield each training once, although several tables may show it."""
        found = {
            cell.name: cell
            for table in self.tables
            for row in table.rows.values()
            for cell in row.values()
        }
        yield from found.values()


def read_plan(path: Path, out: Path) -> Plan:
    """Read a plan, a YAML file such as ``configs/ablation/synthfer.yml``.

    Args:
        path: The plan.
        out: Work dir of the ablation, which replaces ``{out}`` in the plan.

    Raises:
        ValueError: The plan is not of this form, or names something that it does not
            define.
    """
    text = path.read_text(encoding='utf-8').replace('{out}', str(out))
    try:
        content = yaml.safe_load(text)
        seeds = [int(seed) for seed in content['seeds']]
        prepare = {n: c.split() for n, c in (content.get('prepare') or {}).items()}
        found: dict[str, Cell] = {}
        tables = [_read_table(table, content, found) for table in content['tables']]
    except (yaml.YAMLError, KeyError, TypeError, AttributeError, ValueError) as error:
        missing = f'{error} is not defined' if isinstance(error, KeyError) else error
        raise ValueError(f'{path} is not a plan of an ablation: {missing}') from error
    if not seeds or len(set(seeds)) < len(seeds):
        raise ValueError(f'{path}: seeds must be different numbers, got {seeds}')
    return Plan(seeds, prepare, tables)


def _read_table(
    table: Mapping[str, Any], content: Mapping[str, Any], found: dict[str, Cell]
) -> Table:
    common: Options = {}
    for name in table['settings']:
        common |= content['settings'][name]
    rows: dict[str, dict[str, Cell]] = {}
    for method in table['methods']:
        rows[method] = {}
        for budget, given in content['methods'][method].items():
            if budget not in table.get('budgets', [budget]):
                continue
            options = common | given
            config = options.pop('config')
            name = slug(*table['settings'], method, budget)
            key = repr((config, sorted(options.items())))
            # equal trainings are one, whatever tables and columns show them
            rows[method][budget] = found.setdefault(key, Cell(name, config, options))
    return Table(table['title'], rows)


def slug(*names: str) -> str:
    """Join names to the name of a folder.

    Examples:
        >>> slug('QCS, SD', 'equal images')
        'qcs-sd_equal-images'
    """
    return '_'.join(re.sub(r'[^a-z0-9.]+', '-', n.lower()).strip('-') for n in names)


class Difference(NamedTuple):
    """Mean of the differences of pairs, and its 95 % interval (None for one pair)."""

    mean: float
    interval: tuple[float, float] | None

    @property
    def significant(self) -> bool:
        """Whether the interval leaves out zero."""
        return self.interval is not None and not (
            self.interval[0] <= 0 <= self.interval[1]
        )


def paired_difference(
    values: Mapping[int, float], reference: Mapping[int, float]
) -> Difference | None:
    """Compare two methods by the seeds that both were trained with.

    The interval is that of Student's t distribution, which assumes that differences
    are normally distributed over seeds.

    Args:
        values: Result of the method for each seed.
        reference: Result of the reference for each seed.

    Returns:
        The difference, or None if no seed is common.

    Examples:
        >>> paired_difference({0: 91.0, 1: 92.0, 2: 93.0}, {0: 90.0, 1: 90.0, 2: 90.0})
        Difference(mean=2.0, interval=(-0.48..., 4.48...))
    """
    pairs = [values[seed] - reference[seed] for seed in values if seed in reference]
    if not pairs:
        return None
    mean = statistics.fmean(pairs)
    if len(pairs) == 1:
        return Difference(mean, None)
    error = statistics.stdev(pairs) / len(pairs) ** 0.5
    half = float(student.ppf(0.975, len(pairs) - 1)) * error
    return Difference(mean, (mean - half, mean + half))


def mean_and_deviation(values: Sequence[float]) -> str:
    """Format mean ± standard deviation, or the only value."""
    mean = statistics.fmean(values)
    if len(values) == 1:
        return f'{mean:.2f}'
    return f'{mean:.2f} ± {statistics.stdev(values):.2f}'
