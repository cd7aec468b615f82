"""What the programs share that write a picture."""

import argparse
from pathlib import Path

from matplotlib.figure import Figure

from mmqcs.cli.options import fail
from mmqcs.visualization.style import FORMATS, save_figure

__all__ = ['add_out', 'picture_path', 'save_or_fail']


def picture_path(text: str) -> Path:
    """A path whose ending says how the picture is written, for ``type=`` of argparse.

    Raises:
        argparse.ArgumentTypeError: It is none of the known ones.
    """
    path = Path(text)
    if path.suffix.lower() not in FORMATS:
        raise argparse.ArgumentTypeError(
            f'pictures are written as {" or ".join(FORMATS)}, got {text!r}'
        )
    return path


def add_out(parser: argparse.ArgumentParser, default: str) -> None:
    """Add ``--out``.

    Args:
        parser: The parser.
        default: Where the picture goes otherwise.
    """
    parser.add_argument(
        '--out',
        type=picture_path,
        metavar='FILE',
        default=default,
        help='.png or .svg to write (default %(default)s)',
    )


def save_or_fail(figure: Figure, path: Path) -> None:
    """Write a figure and say where, or fail in one line."""
    try:
        save_figure(figure, path)
    except OSError as error:
        fail(f'cannot write {path}: {error.strerror}')
    print(f'written to {path}')
