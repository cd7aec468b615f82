"""What is recorded about a run besides its weights and scalars."""

import json
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path

import mmcv
import mmpretrain
import torch
from mmengine.utils.dl_utils import collect_env

import mmqcs
from mmqcs.atomic import write_text

__all__ = ['RunRecord', 'command_line', 'environment', 'git_state', 'read_records']

RECORD = 'run.json'
PREDICTIONS = 'predictions.npz'
ERRORS = 'hardest_errors.png'


@dataclass
class RunRecord:
    """A run of training or testing.

    Args:
        kind: ``'train'`` or ``'test'``.
        started: Start time, as the name of the run's folder gives it.
        config_name: File name of the config.
        config: Text of the config.
        command: Command line that started the run.
        checkpoint: Checkpoint that was loaded, if any.
        seed: Seed.
        processes: Number of processes.
        environment: Result of :func:`environment`.
        counts: Images per class, by split.
        step: Epoch or iteration of the validation whose predictions are kept.
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

    def save(self, folder: Path) -> None:
        """Write the record to the folder of the run."""
        write_text(folder / RECORD, json.dumps(asdict(self), indent=1))

    @classmethod
    def load(cls, folder: Path) -> 'RunRecord':
        """Read the record from the folder of a run.

        Raises:
            ValueError: The file is not a record.
        """
        path = folder / RECORD
        try:
            content = json.loads(path.read_text(encoding='utf-8'))
            return cls(**{item.name: content[item.name] for item in fields(cls)})
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(f'{path} is not a record of a run: {error!r}') from None


def read_records(work_dir: Path) -> Iterator[tuple[Path, RunRecord]]:
    """Yield folder and record of each run in a work dir, in order of time.

    Raises:
        ValueError: A record cannot be read.
    """
    for path in sorted(work_dir.glob(f'*/{RECORD}')):  # folders are named by time
        yield path.parent, RunRecord.load(path.parent)


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

    Args:
        file: The file.

    Returns:
        Hash of the commit, with ``-dirty`` if tracked files were changed; None if no
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


def command_line() -> str:
    """Return the command that started this process, quoted for a shell."""
    return shlex.join(['python', *sys.argv])
