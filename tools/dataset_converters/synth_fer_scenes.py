"""Render SynthFER scenes, several faces per image, for face detectors.

    coco       train/000001.png, val/, annotations/train.json, annotations/val.json:
               the category of a face is its expression
    widerface  train.txt, val.txt, WIDER_train/Annotations/000001.xml,
               WIDER_train/images/000001.jpg, WIDER_val/: the only class is face

OUT/synthfer_scenes.json holds the settings. --workers does not change the files.
Running the program again with the same settings does nothing if OUT is complete, and
resumes if it is not.
"""

import argparse
import json
import os
from functools import partial
from pathlib import Path

import cv2

from mmqcs.cli.options import ArgumentParser
from mmqcs.cli.render_folder import (
    RenderedFolder,
    check_numbers,
    render_all,
    settings_or_fail,
)
from mmqcs.synth import RENDERER_VERSION, SynthFERSettings
from mmqcs.synth.folders import write_file
from mmqcs.synth.scene_files import coco_annotations, voc_annotation
from mmqcs.synth.scenes import SceneSettings, render_scene, scene_faces

MARK = 'synthfer_scenes.json'
ROOTS = {
    'coco': ('train', 'val', 'annotations'),
    'widerface': ('train.txt', 'val.txt', 'WIDER_train', 'WIDER_val'),
}
# names of the splits here and in SynthFER
SPLITS = {'train': 'train', 'val': 'test'}


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = ArgumentParser(description=__doc__)
    numbers = {
        'train': (800, 'training scenes'),
        'val': (150, 'validation scenes'),
        'seed': (0, 'seed'),
        'difficulty': (0.5, '0 (easy) to 1 (hard)'),
        'classes': (7, '7, or 8 with contempt'),
        'image-size': (192, 'side of a scene in pixels'),
        'min-size': (64, 'side of the smallest face image in pixels'),
        'max-size': (128, 'side of the largest face image in pixels'),
        'max-faces': (4, 'maximum number of faces per scene'),
        'workers': (os.cpu_count() or 1, 'processes'),
    }
    parser.add_argument('out', type=Path, help='folder to write')
    parser.add_argument(
        '--layout', choices=ROOTS, default='coco', help='one of these (default coco)'
    )
    for name, (default, text) in numbers.items():
        text = f'{text} (default {default})'
        parser.add_argument(f'--{name}', type=type(default), default=default, help=text)
    parser.add_argument(
        '--overwrite',
        action='store_true',
        help='replace scenes that were rendered with other settings',
    )
    return parser.parse_args()


def image_path(layout: str, split: str, index: int) -> Path:
    """Return the file of a scene, relative to OUT."""
    if layout == 'coco':
        return Path(split) / f'{index + 1:06d}.png'
    return Path(f'WIDER_{split}') / 'images' / f'{index + 1:06d}.jpg'


def write_scene(
    scene: tuple[str, int], out: Path, layout: str, settings: SceneSettings
) -> None:
    """Render and write one scene, given by split and index, unless the file exists."""
    split, index = scene
    path = out / image_path(layout, split, index)
    if not path.exists():
        image = render_scene(settings, SPLITS[split], index)
        encoded = cv2.imencode(path.suffix, image, [cv2.IMWRITE_JPEG_QUALITY, 95])[1]
        write_file(path, [encoded.tobytes()])


def write_annotations(
    out: Path, layout: str, split: str, count: int, settings: SceneSettings
) -> None:
    """Write the annotations of a split."""
    scenes = [scene_faces(settings, SPLITS[split], i) for i in range(count)]
    paths = [image_path(layout, split, i) for i in range(count)]
    size = settings.image_size
    if layout == 'coco':
        names = [path.name for path in paths]
        content = coco_annotations(scenes, names, size, settings.faces.classes)
        write_file(out / f'annotations/{split}.json', [json.dumps(content).encode()])
        return
    for faces, path in zip(scenes, paths, strict=True):
        xml = voc_annotation(faces, 'images', path.name, size)
        write_file(out / f'WIDER_{split}/Annotations/{path.stem}.xml', [xml])
    write_file(out / f'{split}.txt', [f'{path.stem}\n'.encode() for path in paths])


def main() -> None:
    """Run the program."""
    args = parse_args()
    counts = {split: getattr(args, split) for split in SPLITS}
    check_numbers(counts, args.workers)
    settings = settings_or_fail(
        lambda: SceneSettings(
            SynthFERSettings(args.seed, 100, args.difficulty, args.classes),
            args.image_size,
            args.min_size,
            args.max_size,
            args.max_faces,
        )
    )
    names = ('seed', 'difficulty', 'num_classes')
    state = {
        'drawing': RENDERER_VERSION,
        'layout': args.layout,
        **{name: getattr(settings.faces, name) for name in names},
        **{k: v for k, v in vars(settings).items() if k != 'faces'},
        **counts,
    }
    folder = RenderedFolder(
        args.out, MARK, 'SynthFER scenes', lambda state: ROOTS[state['layout']]
    )
    if not folder.prepare(state, args.overwrite):
        print(f'{args.out} is complete')
        return
    write = partial(write_scene, out=args.out, layout=args.layout, settings=settings)
    scenes = [(split, i) for split, count in counts.items() for i in range(count)]
    render_all(write, scenes, args.workers)
    for split, count in counts.items():
        write_annotations(args.out, args.layout, split, count, settings)
    folder.write_mark(state, complete=True)
    print(f'written to {args.out}')


if __name__ == '__main__':
    main()
