"""What is written down about a run beside its weights and scalars."""

import json
import platform
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, fields
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import torch
from mmengine.device import get_device

import mmqcs

__all__ = ['RunRecord', 'environment', 'git_state', 'read_records']

RECORD = 'run.json'
PREDICTIONS = 'predictions.npz'
ERRORS = 'hardest_errors.png'
# the two lines of OpenMMLab, one of which is installed
_PACKAGES = (
    ('MMEngine', ('onedl-mmengine', 'mmengine')),
    ('MMCV', ('onedl-mmcv', 'mmcv', 'mmcv-lite')),
    ('MMPretrain', ('onedl-mmpretrain', 'mmpretrain')),
    ('MMDetection', ('onedl-mmdetection', 'mmdet')),
    ('torchvision', ('torchvision',)),
    ('numpy', ('numpy',)),
    ('OpenCV', ('opencv-python', 'opencv-python-headless')),
)


@dataclass
class RunRecord:
    """A run of training or testing.

    Args:
        kind: ``'train'`` or ``'test'``.
        started: When, for people.
        config_name: File name of the config.
        config: Its text.
        command: Command line that started it.
        checkpoint: What was loaded, if anything.
        seed: Seed.
        processes: Number of processes.
        environment: What :func:`environment` gave.
        counts: Images of each class, by split.
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
        """Writes it into the folder of the run."""
        (folder / RECORD).write_text(json.dumps(asdict(self), indent=1))

    @classmethod
    def load(cls, folder: Path) -> 'RunRecord':
        """Reads it from the folder of a run.

        Raises:
            ValueError: The file is not such a record.
        """
        path = folder / RECORD
        try:
            content = json.loads(path.read_text())
            return cls(**{item.name: content[item.name] for item in fields(cls)})
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(f'{path} is no record of a run: {error!r}') from None


def read_records(work_dir: Path) -> Iterator[tuple[Path, RunRecord]]:
    """The runs of a work dir in order of time: folder and record of each.

    Raises:
        ValueError: A record cannot be read.
    """
    for path in sorted(work_dir.glob(f'*/{RECORD}')):  # folders are named by time
        yield path.parent, RunRecord.load(path.parent)


def environment() -> dict[str, str]:
    """Versions, device, state of the code: what a run depends on but its config."""
    found = {
        'mmqcs': f'{mmqcs.__version__}{_code_state()}',
        'Python': platform.python_version(),
        'Platform': f'{platform.system()} {platform.machine()}',
        'PyTorch': torch.__version__,
    }
    for title, names in _PACKAGES:
        for name in names:
            try:
                found[title] = f'{version(name)} ({name})'
                break
            except PackageNotFoundError:
                continue
    device = get_device()
    if device == 'cuda':
        count = torch.cuda.device_count()
        names = {torch.cuda.get_device_name(i) for i in range(count)}
        device = f'{count} x {", ".join(sorted(names))}, CUDA {torch.version.cuda}'
    found['Device'] = device
    found['Threads of PyTorch'] = str(torch.get_num_threads())
    return found


def _code_state() -> str:
    state = git_state(Path(mmqcs.__file__))
    return f', commit {state}' if state else ''


def git_state(file: Path) -> str | None:
    """Commit of the repository that a file is tracked in.

    Args:
        file: The file.

    Returns:
        Its hash, with ``-dirty`` where tracked files are changed; None if no
        repository tracks the file or there is no git.
    """

    def git(*args: str) -> str:
        command = ['git', '-C', str(file.parent), *args]
        done = subprocess.run(command, capture_output=True, text=True, timeout=20)
        done.check_returncode()
        return done.stdout.strip()

    try:
        git('ls-files', '--error-unmatch', file.name)
        return git('describe', '--always', '--dirty', '--abbrev=40', '--exclude=*')
    except (OSError, subprocess.SubprocessError):
        return None


def command_line() -> str:
    """The command that started this process, as one would type it."""
    return shlex.join(['python', *sys.argv])
