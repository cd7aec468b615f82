"""Convert a checkpoint of the published QCS or DCS runs, or ir50.pth.

Nothing that is pickled in the file is run.
"""

import argparse
from pathlib import Path

import torch
from mmengine.config import Config
from mmpretrain.registry import DATASETS

import mmqcs  # noqa: F401  (checks the versions of the OpenMMLab packages)
from mmqcs import register_all_modules
from mmqcs.atomic import atomic_file
from mmqcs.checkpoints.reference.architecture import model_shapes
from mmqcs.checkpoints.reference.convert import Target, convert_published_file
from mmqcs.checkpoints.reference.recipes import RECIPES
from mmqcs.cli.options import ArgumentParser, fail, load_config


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument('src', help='published checkpoint')
    parser.add_argument('dst', help='checkpoint to write')
    which = parser.add_mutually_exclusive_group()
    which.add_argument(
        '--recipe',
        choices=[recipe.name for recipe in RECIPES],
        help='recipe of the file, needed where it does not tell the data set',
    )
    which.add_argument(
        '--config', help='config of the model, if it is not of a published recipe'
    )
    return parser.parse_args()


def class_names(config: Config, path: str) -> tuple[str, ...]:
    """Names of the classes that a config trains on, without reading its data."""
    dataset = config.get('test_dataloader', config.train_dataloader).dataset
    while 'dataset' in dataset:  # wrappers
        dataset = dataset.dataset
    names = (dataset.get('metainfo') or {}).get('classes')
    if names is None:
        names = getattr(DATASETS.get(dataset.type), 'METAINFO', {}).get('classes')
    count = config.model.head.num_classes
    if names is None or len(names) < count:
        fail(f'{path}: the data set names {len(names or ())} classes, the head {count}')
    return tuple(names[: dataset.get('num_classes', len(names))])


def read_target(path: str) -> Target:
    """What to convert to, as a config says it."""
    config = load_config(path)
    register_all_modules()
    return Target(
        Path(path).stem,
        model_shapes(config.model),
        {'classes': class_names(config, path)},
    )


def main() -> None:
    """Run the program."""
    args = parse_args()
    source, target = Path(args.src), Path(args.dst)
    if target.is_dir():
        fail(f'{target} is a folder; name the file to write')
    if target.exists() and source.exists() and target.samefile(source):
        fail(f'{source} would be overwritten by its conversion; name another file')
    try:
        checkpoint = convert_published_file(
            source, args.recipe, read_target(args.config) if args.config else None
        )
    except ValueError as error:
        fail(str(error))
    target.parent.mkdir(parents=True, exist_ok=True)
    with atomic_file(target) as draft:
        torch.save(checkpoint, draft)
    meta = checkpoint['meta']
    best = meta['source']['best_accuracy']
    print(
        f'{target}: {meta["recipe"]}, {len(checkpoint["state_dict"])} weights, '
        f'{len(meta["dropped"])} unused ones dropped, best accuracy '
        f'{"not in the file" if best is None else f"{best:.2f} %"}'
    )


if __name__ == '__main__':
    main()
