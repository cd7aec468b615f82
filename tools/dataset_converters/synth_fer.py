"""Render SynthFER into the folder layout of a FER dataset.

OUT serves as the root of that dataset, so the configs of the dataset run unchanged. If
it has folds, fold 0 of 10 is the test split.

OUT/synthfer.json holds the settings. --workers does not change the files. Running the
program again with the same settings does nothing if OUT is complete, and resumes if it
is not.
"""

import argparse
import os
from functools import partial
from pathlib import Path

from mmqcs.cli.options import ArgumentParser, fail
from mmqcs.cli.render_folder import (
    RenderedFolder,
    check_numbers,
    render_all,
    settings_or_fail,
)
from mmqcs.synth import RENDERER_VERSION, SynthFERSettings, labels, render
from mmqcs.synth.folders import FOLDER_WRITERS, FolderWriter, ImageFile, write_file

MARK = 'synthfer.json'


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    layouts = (
        f'  {name:<18} {str(writer.__doc__).partition(chr(10))[0]}'
        for name, writer in FOLDER_WRITERS.items()
    )
    parser = ArgumentParser(
        description=__doc__, epilog='layouts:\n' + '\n'.join(layouts).replace('``', '')
    )
    parser.add_argument('out', type=Path, help='folder to write')
    parser.add_argument(
        '--layout',
        choices=FOLDER_WRITERS,
        default='rafdb',
        metavar='LAYOUT',
        help='one of those below (default rafdb)',
    )
    numbers = {
        'train': (2100, 'training images'),
        'test': (700, 'test images'),
        'seed': (0, 'seed'),
        'difficulty': (0.5, '0 (easy) to 1 (hard)'),
        'classes': (7, '7, or 8 with contempt (only FERPlus, AffectNet and CK+)'),
        'image-size': (100, 'side in pixels'),
        'workers': (os.cpu_count() or 1, 'processes'),
    }
    for name, (default, text) in numbers.items():
        text = f'{text} (default {default})'
        parser.add_argument(f'--{name}', type=type(default), default=default, help=text)
    parser.add_argument(
        '--imbalanced',
        action='store_true',
        help='classes as frequent as in RAF-DB instead of equally frequent',
    )
    parser.add_argument(
        '--overwrite',
        action='store_true',
        help='replace images that were rendered with other settings',
    )
    return parser.parse_args()


def write_image(image: ImageFile, out: Path, writer: FolderWriter) -> None:
    """Render and write one image, unless the file exists."""
    path = out / image.path
    if not path.exists():
        face = render(writer.settings, image.split, image.index, image.label)
        write_file(path, [writer.encode(face, image)])


def main() -> None:
    """Run the program."""
    args = parse_args()
    counts = {'train': args.train, 'test': args.test}
    check_numbers(counts, args.workers)
    settings = settings_or_fail(
        lambda: SynthFERSettings(
            args.seed, args.image_size, args.difficulty, args.classes, args.imbalanced
        )
    )
    found = {split: labels(settings, split, count) for split, count in counts.items()}
    try:
        writer = FOLDER_WRITERS[args.layout](found, settings)
    except ValueError as error:
        fail(f'--layout {args.layout} does not fit --classes {args.classes}: {error}')

    state = {'drawing': RENDERER_VERSION, 'layout': args.layout}
    state |= {**vars(settings), **counts}

    folder = RenderedFolder(
        args.out, MARK, 'SynthFER', lambda state: FOLDER_WRITERS[state['layout']].tops
    )
    if not folder.prepare(state, args.overwrite):
        print(f'{args.out} is complete')
        return
    write = partial(write_image, out=args.out, writer=writer)
    render_all(write, writer.images(), args.workers)
    writer.write_labels(args.out)
    folder.write_mark(state, complete=True)
    print(f'written to {args.out}')


if __name__ == '__main__':
    main()
