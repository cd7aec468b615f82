"""Plot a contact sheet of SynthFER: one row per class, one column per person.

python tools/visualization/synth_fer_sheet.py --out docs/images/synthfer.jpg
"""

import argparse
from functools import partial

from matplotlib.figure import Figure

from mmqcs.cli.figures import add_out, save_or_fail
from mmqcs.cli.options import ArgumentParser, fail
from mmqcs.cli.render_folder import settings_or_fail
from mmqcs.synth import SynthFERSettings, render
from mmqcs.visualization import contact_sheet


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    integers = {
        'people': (8, 'number of people'),
        'first': (100, 'index of the first person'),
        'seed': (0, 'seed'),
        'classes': (7, '7, or 8 with contempt'),
        'image-size': (110, 'side of a face in pixels'),
    }
    for name, (default, text) in integers.items():
        parser.add_argument(
            f'--{name}', type=int, default=default, help=f'{text} (default {default})'
        )
    parser.add_argument(
        '--difficulty',
        type=float,
        default=0.35,
        help='0 (easy) to 1 (hard); default 0.35',
    )
    add_out(parser, 'synthfer.png')
    return parser.parse_args()


def plot(args: argparse.Namespace, settings: SynthFERSettings) -> Figure:
    """Plot the sheet."""
    people = range(args.first, args.first + args.people)
    images, captions = [], []
    for label, name in enumerate(settings.classes):
        faces = [render(settings, 'train', index, label) for index in people]
        images += [face[..., ::-1] for face in faces]
        captions += [name] + [''] * (len(people) - 1)
    return contact_sheet(images, captions, args.people, side=settings.image_size / 100)


def main() -> None:
    """Run the program."""
    args = parse_args()
    for name, least in (('people', 1), ('first', 0)):
        if getattr(args, name) < least:
            fail(f'--{name} must be at least {least}, got {getattr(args, name)}')
    settings = settings_or_fail(
        partial(
            SynthFERSettings, args.seed, args.image_size, args.difficulty, args.classes
        )
    )
    save_or_fail(plot(args, settings), args.out)


if __name__ == '__main__':
    main()
