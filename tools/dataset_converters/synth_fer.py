"""Write SynthFER to disk in the layout of RAF-DB.

OUT then serves as the root of RAF-DB, so its configs run on OUT unchanged:

    OUT/basic/EmoLabel/list_patition_label.txt      "train_00001.jpg 5"
    OUT/basic/Image/aligned/train_00001_aligned.jpg
    OUT/synthfer.json                               the settings

The files are the same whatever --workers. Running again with the same settings
does nothing if OUT is complete and goes on where it was cut off if it is not.
"""

import argparse
import json
import os
import shutil
from functools import partial
from pathlib import Path

import cv2
from mmengine.utils import track_parallel_progress

from mmqcs.synth import DRAWING, SynthFERSettings, labels, render
from mmqcs.utils.cli import ArgumentParser, fail

MARK = 'synthfer.json'
DIGITS = {'train': 5, 'test': 4}  # as RAF-DB numbers its files
QUALITY = (cv2.IMWRITE_JPEG_QUALITY, 95)


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('out', type=Path, help='folder to write')
    parser.add_argument(
        '--train', type=int, default=2100, help='images to train on (default 2100)'
    )
    parser.add_argument(
        '--test', type=int, default=700, help='images to test on (default 700)'
    )
    parser.add_argument('--seed', type=int, default=0, help='seed (default 0)')
    parser.add_argument(
        '--difficulty', type=float, default=0.5, help='0 easy to 1 hard (default 0.5)'
    )
    parser.add_argument(
        '--classes',
        type=int,
        default=7,
        help='7, or 8 with contempt, which RAF-DB does not have (default 7)',
    )
    parser.add_argument(
        '--imbalanced',
        action='store_true',
        help='classes as frequent as in RAF-DB instead of equally frequent',
    )
    parser.add_argument(
        '--image-size', type=int, default=100, help='side in pixels (default 100)'
    )
    parser.add_argument(
        '--workers',
        type=int,
        default=os.cpu_count() or 1,
        help='processes (default: one for each core)',
    )
    parser.add_argument(
        '--overwrite',
        action='store_true',
        help='replace images that OUT holds with other settings',
    )
    return parser.parse_args()


def stem_of(split: str, index: int) -> str:
    """Name of an image without its extension, numbered from 1."""
    return f'{split}_{index + 1:0{DIGITS[split]}d}'


def write_image(
    task: tuple[str, int], settings: SynthFERSettings, folder: Path
) -> None:
    """Draw one image and write it, unless it is there.

    Args:
        task: Split and number.
        settings: Settings of the data set.
        folder: Where the image goes.
    """
    split, index = task
    path = folder / f'{stem_of(split, index)}_aligned.jpg'
    if path.exists():
        return
    _, code = cv2.imencode('.jpg', render(settings, split, index), QUALITY)
    # a file appears when it is complete, so an interrupted run can be resumed
    part = path.with_suffix('.part')
    part.write_bytes(code)
    part.rename(path)


def prepare(out: Path, state: dict, overwrite: bool) -> bool:
    """Make OUT ready to be written.

    Args:
        out: Folder to write.
        state: What it shall hold.
        overwrite: Whether other faces may be removed.

    Returns:
        Whether there is something to write.
    """
    mark = out / MARK
    if mark.is_file():
        found = json.loads(mark.read_text())
        complete = found.pop('complete', False)
        if found == state:
            return not complete
        if not overwrite:
            changed = [key for key in state if found.get(key) != state[key]]
            fail(
                f'{out} holds SynthFER with other settings ('
                + ', '.join(f'{k}: {found.get(k)}, not {state[k]}' for k in changed)
                + '); name another folder or replace it by --overwrite'
            )
        shutil.rmtree(out / 'basic', ignore_errors=True)
    elif (out / 'basic').exists():
        fail(
            f'{out / "basic"} exists and is not SynthFER (no {mark}); '
            'name another folder'
        )
    (out / 'basic' / 'EmoLabel').mkdir(parents=True, exist_ok=True)
    (out / 'basic' / 'Image' / 'aligned').mkdir(parents=True, exist_ok=True)
    mark.write_text(json.dumps({**state, 'complete': False}, indent=2))
    return True


def main() -> None:
    """Run the program."""
    args = parse_args()
    counts = {'train': args.train, 'test': args.test}
    for split, count in counts.items():
        if count < 0:
            fail(f'--{split} must be at least 0, got {count}')
    if args.workers < 1:
        fail(f'--workers must be at least 1, got {args.workers}')
    try:
        settings = SynthFERSettings(
            seed=args.seed,
            image_size=args.image_size,
            difficulty=args.difficulty,
            num_classes=args.classes,
            imbalanced=args.imbalanced,
        )
    except ValueError as error:
        # each message starts with the name of the setting
        name, _, rest = str(error).partition(' ')
        option = {'num_classes': 'classes'}.get(name, name).replace('_', '-')
        fail(f'--{option} {rest}')

    state = {'drawing': DRAWING, **vars(settings), **counts}
    if not prepare(args.out, state, args.overwrite):
        print(f'{args.out} is complete')
        return
    tasks = [(split, i) for split, count in counts.items() for i in range(count)]
    write = partial(
        write_image, settings=settings, folder=args.out / 'basic' / 'Image' / 'aligned'
    )
    # one thread a process, as the processes already share out the cores; here
    # first, because a forked process cannot stop the threads of its parent
    cv2.setNumThreads(1)
    track_parallel_progress(
        write, tasks, args.workers, cv2.setNumThreads, (1,), chunksize=16
    )
    lines = [
        f'{stem_of(split, i)}.jpg {label + 1}'
        for split, count in counts.items()
        for i, label in enumerate(labels(settings, split, count).tolist())
    ]
    names = args.out / 'basic' / 'EmoLabel' / 'list_patition_label.txt'  # [sic]
    names.write_text('\n'.join(lines))
    (args.out / MARK).write_text(json.dumps({**state, 'complete': True}, indent=2))
    print(f'written to {args.out}')


if __name__ == '__main__':
    main()
