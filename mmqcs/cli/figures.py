"""Arguments and output of programs that write a figure."""

import argparse
from pathlib import Path

from matplotlib.figure import Figure

from mmqcs.cli.options import fail
from mmqcs.visualization.style import FORMATS, save_figure


def picture_path(text: str) -> Path:
    """Convert the path of a figure, for ``type=`` of argparse."""
    path = Path(text)
    if path.suffix.lower() not in FORMATS:
        raise argparse.ArgumentTypeError(
            f'expected a file ending in {" or ".join(FORMATS)}, got {text!r}'
        )
    return path


def add_out(parser: argparse.ArgumentParser, default: str) -> None:
    """Add ``--out`` with its default."""
    parser.add_argument(
        '--out',
        type=picture_path,
        metavar='FILE',
        default=default,
        help=f'{", ".join(FORMATS)} file to write (default %(default)s)',
    )


def save_or_fail(figure: Figure, path: Path) -> None:
    """Write a figure and print its path, or fail in one line."""
    try:
        save_figure(figure, path)
    except OSError as error:
        fail(f'cannot write {path}: {error.strerror}')
    print(f'written to {path}')
