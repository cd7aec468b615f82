"""Find faces in pictures, videos or a camera, and name their expressions."""

import argparse
import sys
from collections import Counter
from collections.abc import Sequence
from itertools import starmap

import cv2
from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress, TimeElapsedColumn

from mmqcs.apis import FERInferencer, ImageResult
from mmqcs.apis.drawing import draw_faces
from mmqcs.apis.frames import Input, expand, is_video, video_info
from mmqcs.apis.inferencer_options import add_inferencer_options, build_inferencer
from mmqcs.apis.writers import ResultWriter
from mmqcs.utils.cli import ArgumentParser, fail


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = ArgumentParser(
        description=__doc__,
        epilog='Exit status: 0; 1 if something could not be read, everything else '
        'being done; 2 for a wrong call; 130 after Ctrl-C, what was written stays.',
    )
    parser.add_argument(
        'inputs', nargs='*', metavar='INPUT', help='pictures, videos, folders of these'
    )
    parser.add_argument(
        '--camera', type=int, metavar='N', help='number of a camera, in place of INPUT'
    )
    add_inferencer_options(
        parser,
        required=True,
        model='checkpoint of a run or a published one, which hold their config; a '
        'config, or the name of one, with --checkpoint; or a file of export_onnx.py',
    )
    parser.add_argument(
        '--out', default='work_dirs/infer', metavar='DIR', help='default: %(default)s'
    )
    parser.add_argument(
        '--no-pictures', action='store_true', help='write results.csv and .jsonl alone'
    )
    parser.add_argument('--show', action='store_true', help='show pictures; q ends')
    parser.add_argument(
        '--every', type=int, default=1, metavar='N', help='each N-th frame of a video'
    )
    parser.add_argument('--batch-size', type=int, default=32, help='faces at once')
    return parser.parse_args()


def count_frames(inputs: Sequence[Input], every: int) -> int | None:
    """How many results to expect, or None where an input does not say."""
    total = 0
    for item in inputs:
        if not is_video(item):
            total += 1
        elif isinstance(item, int) or (count := video_info(item).count) is None:
            return None
        else:
            total += -(-count // every)
    return total


def describe(result: ImageResult) -> str:
    """One line on a picture."""
    where = result.source
    if result.index is not None:
        where += f' frame {result.index}'
    if result.error is not None:
        return f'{where}: {result.error}'
    if not result.faces:
        return f'{where}: no face'
    faces = ', '.join(f'{x.name} {x.score:.2f}' for x in result.faces)
    return f'{where}: {faces}'


def show(result: ImageResult) -> bool:
    """Show a picture; return whether to go on."""
    if result.image is None:
        return True
    try:
        cv2.imshow('mmqcs', draw_faces(result.image, result))
        return cv2.waitKey(1 if result.index is not None else 0) & 0xFF != ord('q')
    except cv2.error:
        fail('this OpenCV or machine cannot show pictures; leave out --show')


def run(
    args: argparse.Namespace, infer: FERInferencer, inputs: Sequence[Input]
) -> tuple[Counter[str], bool]:
    """Go through the inputs.

    Returns:
        How often what was found, and whether it went to the end.
    """
    seen: Counter[str] = Counter()
    console = Console(stderr=True)
    columns = (*Progress.get_default_columns(), MofNCompleteColumn())
    pictures = not args.no_pictures
    writer = ResultWriter(args.out, infer.classes, pictures, args.every)
    with writer, Progress(*columns, TimeElapsedColumn(), console=console) as progress:
        task = progress.add_task('faces', total=count_frames(inputs, args.every))
        results = infer.stream(inputs, args.every, keep_images=pictures or args.show)
        try:
            for result in results:
                writer.write(result)
                seen['pictures'] += 1
                seen['faces'] += len(result.faces)
                seen['without a face'] += not (result.faces or result.error)
                seen['unreadable'] += result.error is not None
                if result.error is not None:
                    print(f'mmqcs: {result.error}', file=sys.stderr)
                elif result.index is None:
                    print(describe(result))
                progress.advance(task)
                if args.show and not show(result):
                    break
        except KeyboardInterrupt:
            return seen, False
    return seen, True


def main() -> int:
    """Run the program."""
    args = parse_args()
    if (args.camera is None) == (not args.inputs):
        fail('give INPUT, or --camera N')
    try:
        inputs = expand(args.inputs or [args.camera])
        infer = build_inferencer(args, args.batch_size)
        if args.every < 1:
            fail(f'--every must be at least 1, got {args.every}')
    except (ValueError, OSError, ImportError) as error:
        fail(str(error))
    try:
        seen, complete = run(args, infer, inputs)
    except FileExistsError as error:
        fail(f'{error.filename} exists: choose another --out, or remove it')
    except OSError as error:
        fail(f'writing to {args.out} failed: {error}')
    print(', '.join(starmap('{1} {0}'.format, seen.items())))
    print(f'written to {args.out}' + ('' if complete else ', stopped before the end'))
    if not complete:
        return 130
    return 1 if seen['unreadable'] else 0


if __name__ == '__main__':
    raise SystemExit(main())
