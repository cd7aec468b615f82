"""Render a contact sheet of SynthFER: one class per row, one person per column.

python tools/visualization/synth_fer_sheet.py --out docs/images/synthfer.jpg
"""

import argparse
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from mmqcs.cli.options import ArgumentParser, fail
from mmqcs.cli.render_folder import settings_or_fail
from mmqcs.synth import SynthFERSettings, make_sheet


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--out', type=Path, required=True, help='image file to write')
    parser.add_argument(
        '--people',
        type=int,
        default=8,
        help='people, one per column (default 8)',
    )
    parser.add_argument(
        '--first',
        type=int,
        default=100,
        help='number of the first person (default 100)',
    )
    parser.add_argument('--seed', type=int, default=0, help='seed (default 0)')
    parser.add_argument(
        '--difficulty',
        type=float,
        default=0.35,
        help='0 easy to 1 hard (default 0.35)',
    )
    parser.add_argument(
        '--classes', type=int, default=7, help='7, or 8 with contempt (default 7)'
    )
    parser.add_argument(
        '--image-size', type=int, default=110, help='side of a face (default 110)'
    )
    return parser.parse_args()


def draw(args: argparse.Namespace) -> np.ndarray:
    """Return the sheet, BGR (H, W, 3)."""
    settings = SynthFERSettings(
        args.seed, args.image_size, args.difficulty, args.classes
    )
    return make_sheet(settings, people=args.people, first=args.first)


def main() -> None:
    """Run the program."""
    args = parse_args()
    sheet = settings_or_fail(partial(draw, args))
    if not cv2.haveImageWriter(str(args.out)):
        fail(f'--out {args.out}: unknown image type; use .jpg or .png')
    args.out.parent.mkdir(parents=True, exist_ok=True)
    _, code = cv2.imencode(args.out.suffix, sheet, (cv2.IMWRITE_JPEG_QUALITY, 88))
    args.out.write_bytes(code)
    print(f'written to {args.out}')


if __name__ == '__main__':
    main()
