"""What the programs of tools/deployment share."""

import argparse
import importlib.util
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mmengine.config import Config

from mmqcs.cli.options import add_config_options, fail, load_config

from .check import TOLERANCE
from .subject import Subject, read_subject

__all__ = [
    'add_export_arguments',
    'draft',
    'output_path',
    'read_arguments',
    'report',
    'require_packages',
]


def add_export_arguments(parser: argparse.ArgumentParser, suffix: str) -> None:
    """Add the arguments that all exports have.

    Args:
        parser: Of the program.
        suffix: Of the file that it writes.
    """
    parser.add_argument('config', help='config file')
    parser.add_argument('checkpoint', help='checkpoint file')
    parser.add_argument(
        '--out',
        type=Path,
        metavar=f'FILE{suffix}',
        help=f'default: work_dirs/export/NAME_OF_THE_CONFIG{suffix}',
    )
    parser.add_argument(
        '--with-preprocessing',
        nargs='?',
        choices=('faces', 'pixels'),
        const='faces',
        help='include the preprocessing. faces (default of this option): the graph '
        'takes uint8 BGR faces (B, H, W, 3) of any size and resizes, crops and '
        'normalises them; pixels: it takes uint8 images of the size of the network, '
        'and orders the channels and normalises. Without it the graph takes '
        'normalised float32 (B, 3, height, width)',
    )
    parser.add_argument(
        '--check-images',
        type=int,
        default=16,
        metavar='N',
        help='faces of the test set on which the export is compared with PyTorch, '
        f'one by one and N at once; scores may differ by {TOLERANCE:g} (default 16)',
    )
    add_config_options(parser)


def require_packages(*names: str) -> None:
    """End the program unless packages are installed."""
    missing = [name for name in names if importlib.util.find_spec(name) is None]
    if missing:
        fail(
            f'{", ".join(missing)} missing, which exporting needs; run pip install '
            f"'mmqcs[export]'"
        )


def output_path(args: argparse.Namespace, suffix: str) -> Path:
    """Where to write, once it is known to be possible.

    Args:
        args: The parsed command line.
        suffix: What the name must end with.
    """
    out = args.out or Path('work_dirs/export', f'{Path(args.config).stem}{suffix}')
    if out.suffix != suffix:
        fail(f'--out must end with {suffix}, got {out}')
    if out.is_dir():
        fail(f'--out {out} is a folder')
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=out.parent):
            pass
    except OSError as error:
        fail(f'cannot write into {out.parent}: {error.strerror}')
    return out


def read_arguments(args: argparse.Namespace) -> tuple[Config, Subject]:
    """Load config, weights and faces as the command line says.

    Raises:
        ValueError, OSError: See :func:`read_subject`.
    """
    if args.check_images < 1:
        fail(f'--check-images must be at least 1, got {args.check_images}')
    config = load_config(args.config, args.cfg_options)
    graph_input = args.with_preprocessing or 'normalised'
    subject = read_subject(
        config, args.config, args.checkpoint, graph_input, args.check_images
    )
    return config, subject


@contextmanager
def draft(path: Path) -> Iterator[Path]:
    """Gives a file beside the target that takes its place if nothing is raised."""
    handle, name = tempfile.mkstemp(dir=path.parent, suffix=path.suffix)
    os.close(handle)
    file = Path(name)
    try:
        yield file
        file.chmod(0o644)
        file.replace(path)
    finally:
        file.unlink(missing_ok=True)


def report(
    subject: Subject, path: Path, difference: float, batches: tuple[int, ...]
) -> None:
    """Print what was written and how it was checked."""
    about = subject.description
    height, width = about.input_size
    takes = {
        'normalised': f'normalised float32 (B, 3, {height}, {width})',
        'pixels': f'uint8 images (B, {height}, {width}, 3)',
        'faces': 'uint8 faces (B, H, W, 3) of any size',
    }[about.graph_input]
    print(f'{path}: {path.stat().st_size / 2**20:.1f} MiB, takes {takes}')
    print(
        f'checked on {len(subject.inputs)} faces of the test set in batches of '
        f'{" and ".join(map(str, batches))}: scores differ from those of PyTorch by at '
        f'most {difference:.1e}'
    )
    beside = abs(subject.expected - subject.by_pipeline).max()
    if beside > 0:
        print(
            f'the graph resizes some pixels to the next level of 255, which moves '
            f'scores by up to {beside:.1e} from those of the test pipeline'
        )
    if about.steps is None:
        print(f'OnnxClassifier cannot prepare faces for it: {about.problem}')
