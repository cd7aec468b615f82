"""Show the images that a model is trained on: augmented, erased and in groups.

    python tools/visualization/browse_dataset.py configs/qcs/qcs_ir50_raf.py
    python tools/visualization/browse_dataset.py CONFIG --phase test --out browse

Loads batches as the run would, with its sampler, pipeline and data preprocessor. If
batches consist of groups, each row is a group: anchor, positive, negatives.
"""

from collections.abc import Sequence
from itertools import islice
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmengine.runner import set_random_seed

from mmqcs import register_all_modules
from mmqcs.cli.figures import save_or_fail
from mmqcs.cli.options import (
    ArgumentParser,
    add_config_options,
    at_least,
    fail,
    load_config,
)
from mmqcs.cli.trained import build_loader, by_group, shown_images
from mmqcs.registry import MODELS
from mmqcs.visualization import contact_sheet


def seen_images(cfg: Config, batch: dict, training: bool) -> np.ndarray:
    """Return what the network sees of a batch, uint8 (N, H, W, 3)."""
    settings = cfg.model.get('data_preprocessor') or cfg.get('data_preprocessor') or {}
    preprocessor = MODELS.build({'type': 'ClsDataPreprocessor', **settings})
    return shown_images(preprocessor, preprocessor(batch, training)['inputs'])


def draw(
    images: Sequence[np.ndarray],
    labels: list[str],
    branches: tuple[str, ...],
    title: str,
) -> Figure:
    """Draw images with their classes; with branches, one group per row."""
    columns = len(branches) or min(6, len(images))
    if branches:
        names = np.repeat(branches, len(images) // columns)
        captions = [
            f'{name.replace("_", " ")}\n{label}'
            for name, label in zip(names, labels, strict=True)
        ]
        images, labels = by_group([images], columns), by_group([captions], columns)
    return contact_sheet(list(images), labels, columns, title)


def main() -> None:
    """Run the program."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument('config', help='config file')
    parser.add_argument('--phase', choices=('train', 'val', 'test'), default='train')
    for name, default, text in (
        ('--batches', 1, 'number of pictures'),
        ('--batch-size', 6, 'groups or images per picture'),
    ):
        text = f'{text} (default {default})'
        parser.add_argument(name, type=at_least(1), default=default, help=text)
    parser.add_argument(
        '--out', type=Path, default=Path('browse'), help='folder to write to'
    )
    add_config_options(parser)
    args = parser.parse_args()
    cfg = load_config(args.config, args.cfg_options)
    register_all_modules()
    init_default_scope(cfg.get('default_scope', 'mmpretrain'))
    set_random_seed((cfg.get('randomness') or {}).get('seed') or 0)
    loader = build_loader(cfg, args.phase, batch_size=args.batch_size)
    ring = getattr(loader.batch_sampler, 'ring', None)
    classes = loader.dataset.metainfo['classes']  # type: ignore[attr-defined]
    for number, batch in enumerate(islice(loader, args.batches)):
        if isinstance(batch['inputs'][0], list | tuple):
            fail('the pipeline gives several views per image, which cannot be shown')
        labels = [classes[int(s.gt_label)] for s in batch['data_samples']]
        images = seen_images(cfg, batch, training=args.phase == 'train')
        title = f'{Path(args.config).stem}, {args.phase}, batch {number}'
        figure = draw(list(images), labels, ring.branches if ring else (), title)
        save_or_fail(figure, args.out / f'{args.phase}_{number}.png')


if __name__ == '__main__':
    main()
