"""Find faces in images, videos or a camera, and name their expressions.

Each face of an image is a line on stdout, and each video is a line at its end.
Progress and the summary go to stderr.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Sequence
from itertools import chain, count, starmap
from pathlib import Path

import cv2
from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress, TimeElapsedColumn

from mmqcs.apis import FERInferencer, ImageResult
from mmqcs.apis.drawing import draw_faces
from mmqcs.apis.summary import VideoSummary
from mmqcs.apis.writers import ResultWriter
from mmqcs.cli.inferencer import add_inferencer_options, build_inferencer
from mmqcs.cli.options import ArgumentParser, at_least, fail, failing_on
from mmqcs.media.files import printable
from mmqcs.media.frames import Frame, Input, number_of_frames
from mmqcs.media.inputs import describe_left_out, expand

OUT = Path('work_dirs/infer')


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
        model='checkpoint that contains its config, as training runs and '
        'publish_model.py write it; a config or the name of one, with --checkpoint; or '
        'a file of mmqcs export',
    )
    parser.add_argument(
        '--out',
        metavar='DIR',
        help=f'default: {OUT}, or {OUT}_2, ... if it has results already',
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
    parser.add_argument(
        '--no-smoothing',
        action='store_true',
        help='classify each video frame by itself',
    )
    parser.add_argument('--batch-size', type=int, default=32, help='faces per batch')
    return parser.parse_args()


def free_folder() -> Path:
    """Return the first default folder without results."""
    others = (OUT.with_name(f'{OUT.name}_{number}') for number in count(2))
    return next(x for x in chain([OUT], others) if not (x / 'results.jsonl').exists())


def describe_image(result: ImageResult) -> list[str]:
    """Describe an image in one line per face, with columns two spaces apart."""
    where = result.source
    if result.index is not None:  # a page of several
        where += f' frame {result.index}'
    rows = [] if result.faces else [result.note or 'no face']
    for number, item in enumerate(result.faces, 1):
        left, top, right, bottom = (round(float(x)) for x in item.face.box)
        place = f'at {left},{top} size {right - left}x{bottom - top}'
        rows.append(f'face {number}  {item.name} {_percent(item.score)}  ({place})')
    return [printable(f'{where}  {row}') for row in rows]


def _percent(share: float) -> str:
    return f'{100 * share:.0f} %'


class VideoLine:
    """Prints one line at the end of each video."""

    def __init__(self, classes: Sequence[str]) -> None:
        self._classes = classes
        self._summary: VideoSummary | None = None
        self._before: ImageResult | None = None

    def add(self, result: ImageResult) -> None:
        """Count a frame; the first one of another video ends the line before."""
        if self._before is not None and not result.continues(self._before):
            self.end()
        self._before = result.without_image()
        if self._summary is None:
            self._summary = VideoSummary(result.source, self._classes)
        self._summary.add(result)

    def end(self) -> None:
        """Print the line, if there were frames."""
        summary, self._summary = self._summary, None
        if summary is None:
            return
        summary.finish()
        record = summary.to_dict()
        shares = {k: v for k, v in record['expressions'].items() if v}
        named = sorted(shares.items(), key=lambda item: -item[1])
        seen = ', '.join(f'{name} {_percent(share)}' for name, share in named)
        count = len(record['faces'])
        faces = f'{count} face{"s" * (count > 1)}  {seen}' if count else 'no face'
        print(printable(f'{summary.source}  {record["seconds"]:.1f} s  {faces}'))


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
    video = VideoLine(infer.classes)
    console = Console(stderr=True)
    columns = (*Progress.get_default_columns(), MofNCompleteColumn())
    pictures = not args.no_pictures
    writer = ResultWriter(args.out, infer.classes, pictures)
    # rich would send lines that are meant for a file to the terminal
    settings: dict = {'console': console, 'redirect_stdout': sys.stdout.isatty()}
    with writer, Progress(*columns, TimeElapsedColumn(), **settings) as progress:
        counts = [number_of_frames(item, args.every) for item in inputs]
        total = None if None in counts else sum(filter(None, counts))
        task = progress.add_task('faces', total=total)
        results = infer.stream(
            inputs,
            args.every,
            keep_images=pictures or args.show,
            smooth=not args.no_smoothing,
        )
        try:
            for result in results:
                writer.write(result)
                seen['images'] += 1
                seen['faces'] += len(result.faces)
                seen['without a face'] += not (result.faces or result.error)
                seen['unreadable'] += result.error is not None
                if result.error is not None:
                    print(f'mmqcs: {printable(result.error)}', file=sys.stderr)
                elif result.time is None:
                    print(*describe_image(result), sep='\n')
                else:
                    video.add(result)
                progress.advance(task)
                if args.show and not show(result):
                    writer.close(complete=False)
                    break
                del result  # a large image must be freed before the next is read
        except KeyboardInterrupt:
            writer.close(complete=False)
            return seen, False
        finally:
            video.end()
    for note in writer.notes:
        print(note, file=sys.stderr)
    return seen, True


def main() -> int:
    """Run the program."""
    args = parse_args()
    # file names can have any encoding
    sys.stdout.reconfigure(errors='backslashreplace')  # type: ignore[union-attr]
    # this program reports missing cameras itself; OpenCV 5 moved the function
    log = cv2 if hasattr(cv2, 'setLogLevel') else cv2.utils.logging  # type: ignore[attr-defined, unused-ignore]
    log.setLogLevel(0)
    if (args.camera is None) == (not args.inputs):
        fail('give INPUT or --camera N')
    left_out: Counter[str] = Counter()
    camera = [] if args.camera is None else [args.camera]
    with failing_on(ValueError, OSError, ImportError):
        inputs = list(expand(args.inputs or camera, left_out))
        unread = [item for item in inputs if isinstance(item, Frame)]
        if len(unread) == len(inputs):
            fail(printable(str(unread[0].error)))
        infer = build_inferencer(args, args.batch_size)
    args.out = args.out or free_folder()
    try:
        seen, complete = run(args, infer, inputs)
    except FileExistsError as error:
        fail(printable(f'{error.filename} exists: remove it, or choose another --out'))
    except OSError as error:
        fail(printable(f'writing to {args.out} failed: {error}'))
    counts = ', '.join(starmap('{1} {0}'.format, seen.items()))
    stopped = '' if complete else ', stopped before the end'
    for line in (
        counts,
        *describe_left_out(left_out),
        f'written to {args.out}{stopped}',
    ):
        print(printable(line), file=sys.stderr)
    return int(seen['unreadable'] > 0) if complete else 130


if __name__ == '__main__':
    raise SystemExit(main())
