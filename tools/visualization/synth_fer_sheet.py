"""Plot a contact sheet of SynthFER: one row per class, one column per person.

python tools/visualization/synth_fer_sheet.py --out docs/images/synthfer.jpg
"""

import argparse
from functools import partial

from matplotlib.figure import Figure

from mmqcs.cli.figures import add_out, save_or_fail
from mmqcs.cli.options import ArgumentParser, at_least
from mmqcs.cli.render_folder import settings_or_fail
from mmqcs.synth import SynthFERSettings, render
from mmqcs.visualization import contact_sheet


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
    parser = ArgumentParser(description=__doc__)
    for name, kind, default, text in (
        ('people', at_least(1), 8, 'number of people'),
        ('first', at_least(0), 100, 'index of the first person'),
        ('seed', int, 0, 'seed'),
        ('classes', int, 7, '7, or 8 with contempt'),
        ('image-size', int, 110, 'side of a face in pixels'),
        ('difficulty', float, 0.35, '0 (easy) to 1 (hard)'),
    ):
        text = f'{text} (default {default})'
        parser.add_argument(f'--{name}', type=kind, default=default, help=text)
    add_out(parser, 'synthfer.png')
    args = parser.parse_args()
    settings = settings_or_fail(
        partial(
            SynthFERSettings, args.seed, args.image_size, args.difficulty, args.classes
        )
    )
    save_or_fail(plot(args, settings), args.out)


if __name__ == '__main__':
    main()
