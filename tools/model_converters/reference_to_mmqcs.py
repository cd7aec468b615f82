"""Convert a checkpoint of the published QCS or DCS runs, or ir50.pth.

No code in the file is run.
"""

from pathlib import Path

import torch

import mmqcs  # noqa: F401  (checks the versions of the OpenMMLab packages)
from mmqcs import register_all_modules
from mmqcs.atomic import atomic_file
from mmqcs.checkpoints.class_names import config_classes
from mmqcs.checkpoints.reference.architecture import model_state
from mmqcs.checkpoints.reference.convert import Target, convert_published_file
from mmqcs.checkpoints.reference.recipes import RECIPES
from mmqcs.cli.options import ArgumentParser, fail, failing_on, load_config


def read_target(path: str) -> Target:
    """Return the model of a config as the target of the conversion."""
    config = load_config(path)
    register_all_modules()
    classes = config_classes(config) or ()
    outputs = config.model.head.num_classes
    if len(classes) != outputs:
        fail(f'{path}: the dataset has {len(classes)} classes, the head {outputs}')
    return Target(Path(path).stem, model_state(config.model), {'classes': classes})


def main() -> None:
    """Run the program."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument('src', help='published checkpoint')
    parser.add_argument('dst', help='checkpoint to write')
    which = parser.add_mutually_exclusive_group()
    which.add_argument(
        '--recipe',
        choices=[recipe.name for recipe in RECIPES],
        help='recipe of the file, needed if the file does not tell the dataset',
    )
    which.add_argument(
        '--config', help='config of the model, if it is not a published recipe'
    )
    args = parser.parse_args()
    source, target = Path(args.src), Path(args.dst)
    if target.is_dir():
        fail(f'{target} is a folder; give the file to write')
    if target.exists() and source.exists() and target.samefile(source):
        fail(f'{source} would be overwritten by its conversion; give another file')
    model = read_target(args.config) if args.config else None
    with failing_on(ValueError):
        checkpoint = convert_published_file(source, args.recipe, model)
    target.parent.mkdir(parents=True, exist_ok=True)
    with atomic_file(target) as draft:
        torch.save(checkpoint, draft)
    meta = checkpoint['meta']
    best = meta['source']['best_accuracy']
    print(
        f'{target}: {meta["recipe"]}, {len(checkpoint["state_dict"])} weights, '
        f'{len(meta["dropped"])} unused weights dropped, best accuracy '
        f'{"not in the file" if best is None else f"{best:.2f} %"}'
    )


if __name__ == '__main__':
    main()
