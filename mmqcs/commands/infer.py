"""Find faces in images, videos or a camera, and classify their expressions."""

import argparse
import os
import sys
from collections import Counter
from collections.abc import Sequence
from itertools import starmap

import cv2
from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress, TimeElapsedColumn

from mmqcs.apis import FERInferencer, ImageResult
from mmqcs.apis.drawing import draw_faces
from mmqcs.apis.writers import ResultWriter
from mmqcs.cli.inferencer import add_inferencer_options, build_inferencer
from mmqcs.cli.options import ArgumentParser, at_least, fail, failing_on
from mmqcs.media.files import printable
from mmqcs.media.frames import Frame, Input, number_of_frames
from mmqcs.media.inputs import describe_left_out, expand


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = ArgumentParser(
        description=__doc__,
        epilog='Exit status: 0; 1 if some inputs could not be read; 2 for a wrong '
        'command line;\n130 after Ctrl-C, and files written so far are kept.',
    )
    parser.add_argument(
        'inputs',
        nargs='*',
        metavar='INPUT',
        help='images, videos, folders with these, or a wildcard in quotes',
    )
    parser.add_argument(
        '--camera', type=int, metavar='N', help='number of a camera, instead of INPUT'
    )
    add_inferencer_options(
        parser,
        required=True,
        model='checkpoint that contains its config, as training runs and '
        'publish_model.py write it; a config or the name of one, with --checkpoint; or '
        'a file written by export_onnx.py',
    )
    parser.add_argument(
        '--out', default='work_dirs/infer', metavar='DIR', help='default: %(default)s'
    )
    parser.add_argument(
        '--no-pictures',
        action='store_true',
        help='write only results.csv and .jsonl',
    )
    parser.add_argument('--show', action='store_true', help='show images; q quits')
    parser.add_argument(
        '--every',
        type=at_least(1),
        default=1,
        metavar='N',
        help='use every N-th video frame',
    )
    parser.add_argument('--batch-size', type=int, default=32, help='faces per batch')
    return parser.parse_args()


def describe(result: ImageResult) -> str:
    """Describe the faces of an image in one line."""
    where = result.source
    if result.index is not None:
        where += f' frame {result.index}'
    faces = ', '.join(f'{x.name} {x.score:.2f}' for x in result.faces)
    return printable(f'{where}: {faces or result.note or "no face"}')


def show(result: ImageResult) -> bool:
    """Show an image, and return whether to continue."""
    if result.image is None:
        return True
    try:
        cv2.imshow('mmqcs', draw_faces(result.image, result))
        return cv2.waitKey(1 if result.index is not None else 0) & 0xFF != ord('q')
    except cv2.error:
        fail('OpenCV cannot show images on this machine; leave out --show')


def run(
    args: argparse.Namespace, infer: FERInferencer, inputs: Sequence[Input | Frame]
) -> tuple[Counter[str], bool]:
    """Process the inputs; return counts, and whether all inputs were processed."""
    seen: Counter[str] = Counter()
    console = Console(stderr=True)
    columns = (*Progress.get_default_columns(), MofNCompleteColumn())
    pictures = not args.no_pictures
    writer = ResultWriter(args.out, infer.classes, pictures, args.every)
    with writer, Progress(*columns, TimeElapsedColumn(), console=console) as progress:
        counts = [number_of_frames(item, args.every) for item in inputs]
        total = None if None in counts else sum(counts)
        task = progress.add_task('faces', total=total)
        results = infer.stream(inputs, args.every, keep_images=pictures or args.show)
        try:
            for result in results:
                writer.write(result)
                seen['images'] += 1
                seen['faces'] += len(result.faces)
                seen['without a face'] += not (result.faces or result.error)
                seen['unreadable'] += result.error is not None
                if result.error is not None:
                    print(f'mmqcs: {printable(result.error)}', file=sys.stderr)
                elif result.index is None:
                    print(describe(result))
                progress.advance(task)
                if args.show and not show(result):
                    break
                del result  # a large image must be freed before the next is read
        except KeyboardInterrupt:
            return seen, False
    for note in writer.notes:
        print(note)
    return seen, True


def main() -> int:
    """Run the program."""
    args = parse_args()
    # file names can have any encoding
    sys.stdout.reconfigure(errors='backslashreplace')
    # this program reports damaged videos itself, and FFmpeg may open local files only
    os.environ.setdefault('OPENCV_FFMPEG_LOGLEVEL', '-8')
    os.environ.setdefault('OPENCV_FFMPEG_CAPTURE_OPTIONS', 'protocol_whitelist;file')
    cv2.setLogLevel(0)
    if (args.camera is None) == (not args.inputs):
        fail('give INPUT or --camera N')
    left_out: Counter[str] = Counter()
    camera = [] if args.camera is None else [args.camera]
    with failing_on(ValueError, OSError, ImportError):
        inputs = list(expand(args.inputs or camera, left_out))
        if all(isinstance(item, Frame) for item in inputs):
            fail(printable(str(inputs[0].error)))
        infer = build_inferencer(args, args.batch_size)
    try:
        seen, complete = run(args, infer, inputs)
    except FileExistsError as error:
        fail(printable(f'{error.filename} exists: remove it, or choose another --out'))
    except OSError as error:
        fail(printable(f'writing to {args.out} failed: {error}'))
    print(', '.join(starmap('{1} {0}'.format, seen.items())))
    for line in describe_left_out(left_out):
        print(printable(line))
    stopped = '' if complete else ', stopped before the end'
    print(printable(f'written to {args.out}{stopped}'))
    return int(seen['unreadable'] > 0) if complete else 130


if __name__ == '__main__':
    raise SystemExit(main())
