"""Record of a run, besides its weights and scalars."""

import json
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

import mmcv
import mmpretrain
import torch
from mmengine.utils.dl_utils import collect_env

import mmqcs
from mmqcs.atomic import write_text

from .log import Validation, best_on_test
from .predictions import Predictions

RECORD = 'run.json'
PREDICTIONS = 'predictions.npz'
ERRORS = 'hardest_errors.png'


@dataclass
class RunRecord:
    """A run of training or testing; ``kind`` is ``'train'`` or ``'test'``.

    ``started`` is the name of the run's folder, ``config`` the text of the config,
    ``counts`` the images per class by split, ``label_noise`` a description of the wrong
    labels of each training dataset that has any, and ``step`` the epoch or iteration of
    the validation whose predictions are kept.
    """

    kind: str
    started: str
    config_name: str
    config: str
    command: str
    checkpoint: str | None = None
    seed: int | None = None
    processes: int = 1
    environment: dict[str, str] = field(default_factory=dict)
    counts: dict[str, dict[str, int]] = field(default_factory=dict)
    step: int | None = None
    label_noise: list[dict[str, Any]] = field(default_factory=list)

    def save(self, folder: Path) -> None:
        """Write the record to the folder of the run."""
        write_text(folder / RECORD, json.dumps(asdict(self), indent=1))

    @classmethod
    def load(cls, folder: Path) -> 'RunRecord':
        """Read the record from the folder of a run; raise a ValueError for others."""
        path = folder / RECORD
        try:
            content = json.loads(path.read_text(encoding='utf-8'))
            # records of earlier versions lack the newest fields
            names = [item.name for item in fields(cls) if item.name in content]
            return cls(**{name: content[name] for name in names})
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(f'{path} is not a record of a run: {error!r}') from None


def read_records(work_dir: Path) -> Iterator[tuple[Path, RunRecord]]:
    """Yield folder and record of each run in a work dir, in order of time."""
    for path in sorted(work_dir.glob(f'*/{RECORD}')):  # folders are named by time
        yield path.parent, RunRecord.load(path.parent)


@dataclass(frozen=True)
class Evaluation:
    """Predictions, the folder of their run, and a title for people."""

    folder: Path
    title: str
    predictions: Predictions


def find_evaluation(
    runs: Sequence[tuple[Path, RunRecord]], validations: list[Validation]
) -> Evaluation | None:
    """Find the newest predictions of a work dir, if any were kept.

    Of a training, these are the predictions of its best validation. The runs are given
    in order of time.
    """
    kept = [run for run in runs if (run[0] / PREDICTIONS).is_file()]
    if not kept:
        return None
    folder, record = kept[-1]
    if record.kind == 'train':
        if validations:
            best = best_on_test(validations).step
            found = [r for r in kept if r[1].kind == 'train' and r[1].step == best]
            if found:  # otherwise that validation ran without the hook
                folder, record = found[-1]
        title = f'validation at step {record.step}'
    else:
        weights = record.checkpoint
        title = f'test of {Path(weights).name}' if weights else 'test'
    return Evaluation(folder, title, Predictions.load(folder / PREDICTIONS))


def environment() -> dict[str, str]:
    """Return versions, devices and the commit of the code: all but the config."""
    commit = git_state(Path(mmqcs.__file__))
    found = collect_env()
    # dozens of lines, which the log has as well
    found.pop('PyTorch compiling details', None)
    return {
        'mmqcs': mmqcs.__version__ + (f', commit {commit}' if commit else ''),
        'MMPretrain': mmpretrain.__version__,
        'MMCV': mmcv.__version__,
        **{name: str(value) for name, value in found.items()},
        'Threads of PyTorch': str(torch.get_num_threads()),
    }


def git_state(file: Path) -> str | None:
    """Return the commit of the repository that tracks a file.

    ``-dirty`` follows if tracked files were changed. The result is None if no
    repository tracks the file or git is not installed.
    """

    def git(*args: str) -> str:
        command = ['git', '-C', str(file.parent), *args]
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=20, check=True
        )
        return done.stdout.strip()

    try:
        git('ls-files', '--error-unmatch', file.name)
        return git('describe', '--always', '--dirty', '--abbrev=40', '--exclude=*')
    except (OSError, subprocess.SubprocessError):
        return None
