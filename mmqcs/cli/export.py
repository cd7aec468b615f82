"""Command line of the programs in tools/deployment."""

import argparse
import importlib.util
import os
from pathlib import Path

from mmqcs.checkpoints import DEFAULT_MODEL, model_kind
from mmqcs.cli.options import (
    add_config_options,
    at_least,
    fail,
    failing_on,
    load_config,
)
from mmqcs.export.checks import TOLERANCE, Check
from mmqcs.export.source import ExportSource, read_source

_BOTH = 'in the form CONFIG CHECKPOINT'


def add_export_arguments(parser: argparse.ArgumentParser, suffix: str) -> None:
    """Add the arguments of all exports, which write files with this suffix."""
    parser.add_argument(
        'model',
        nargs='?',
        default=DEFAULT_MODEL,
        metavar='MODEL',
        help='checkpoint that contains its config; or a config, or the name of one, '
        'followed by CHECKPOINT; default: the network that comes with mmqcs',
    )
    parser.add_argument(
        'checkpoint', nargs='?', metavar='CHECKPOINT', help='weights for a config'
    )
    parser.add_argument(
        '--out',
        type=Path,
        metavar=f'FILE{suffix}',
        help=f'default: work_dirs/export/NAME_OF_MODEL{suffix}',
    )
    parser.add_argument(
        '--with-preprocessing',
        nargs='?',
        choices=('faces', 'pixels'),
        const='faces',
        help='include the preprocessing. faces (default of this option): the graph '
        'takes uint8 BGR faces (B, H, W, 3) of any size, and resizes, crops and '
        'normalises them. pixels: it takes uint8 images that are already resized and '
        'cropped, and normalises them. Without this option it takes normalised '
        'float32 (B, 3, height, width)',
    )
    parser.add_argument(
        '--check-images',
        type=at_least(1),
        default=16,
        metavar='N',
        help='number of faces for which the exported scores are compared with those '
        f'of PyTorch, with a tolerance of {TOLERANCE:g} (default 16). With a config, '
        'they are the first of its test set, otherwise rendered faces',
    )
    add_config_options(parser)


def require_packages(*names: str) -> None:
    """End the program unless the packages are installed."""
    missing = [name for name in names if importlib.util.find_spec(name) is None]
    if missing:
        fail(f"exporting needs {', '.join(missing)}; run pip install 'mmqcs[export]'")


def output_path(args: argparse.Namespace, suffix: str) -> Path:
    """Return the file to write, which has this suffix; its folder exists."""
    out = args.out or Path('work_dirs/export', f'{Path(args.model).stem}{suffix}')
    if out.suffix != suffix:
        fail(f'--out must end with {suffix}, got {out}')
    if out.is_dir():
        fail(f'--out {out} is a folder')
    with failing_on(OSError, prefix=f'cannot write to {out.parent}: '):
        out.parent.mkdir(parents=True, exist_ok=True)
    if not os.access(out.parent, os.W_OK):
        fail(f'cannot write to {out.parent}: permission denied')
    return out


def read_arguments(args: argparse.Namespace) -> ExportSource:
    """Load the classifier and the check faces; see ``read_source``."""
    config, checkpoint = None, args.model
    if args.checkpoint is not None:
        checkpoint = args.checkpoint
        config = load_config(args.model, args.cfg_options)
    elif model_kind(args.model) != 'checkpoint':
        fail(f'{args.model} is not a checkpoint: a config needs one, {_BOTH}')
    elif args.cfg_options:
        fail(f'--cfg-options changes a config: give it as well, {_BOTH}')
    graph_input = args.with_preprocessing or 'normalised'
    return read_source(config, checkpoint, graph_input, args.check_images)


def print_check(source: ExportSource, path: Path, check: Check) -> None:
    """Print what was written and how it was checked."""
    about = source.description
    height, width = about.input_size
    takes = {
        'normalised': f'normalised float32 (B, 3, {height}, {width})',
        'pixels': f'uint8 images (B, {height}, {width}, 3)',
        'faces': 'uint8 faces (B, H, W, 3) of any size',
    }[about.graph_input]
    print(f'{path}: {path.stat().st_size / 2**20:.1f} MiB, takes {takes}')
    print(
        f'checked on {len(source.inputs)} {source.checked_on} in batches of '
        f'{" and ".join(map(str, check.batches))}: scores differ from PyTorch by at '
        f'most {check.difference:.1e}'
    )
    if about.graph_input == 'faces':
        difference = abs(source.expected - source.by_pipeline).max()
        print(
            f'resizing in the graph moves scores by up to {difference:.1e} from those '
            f'of the test pipeline'
        )
    if about.steps is None:
        print(f'OnnxClassifier cannot prepare faces for this file: {about.problem}')
