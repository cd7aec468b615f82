"""Show the images that a model is trained on: augmented, erased, group by group.

    python tools/visualization/browse_dataset.py configs/qcs/qcs_ir50_raf.py
    python tools/visualization/browse_dataset.py CONFIG --phase test --out browse

Draws batches as the run would, by its sampler, pipeline and data preprocessor. Where
batches are made of groups, a group is a row: anchor, positive, negatives.
"""

import argparse
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmengine.runner import Runner, set_random_seed
from torch import Tensor

from mmqcs.registry import MODELS
from mmqcs.utils import register_all_modules
from mmqcs.utils.cli import ArgumentParser, add_config_options, fail, load_config


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('config', help='config file')
    parser.add_argument('--phase', choices=('train', 'val', 'test'), default='train')
    parser.add_argument('--batches', type=int, default=1, help='pictures (default 1)')
    parser.add_argument(
        '--batch-size', type=int, default=6, help='groups or images of each (default 6)'
    )
    parser.add_argument('--out', type=Path, default=Path('browse'), help='folder')
    add_config_options(parser)
    args = parser.parse_args()
    if args.batches < 1 or args.batch_size < 1:
        parser.error('--batches and --batch-size must be at least 1')
    return args


def seen_images(cfg: Config, batch: dict, training: bool) -> np.ndarray:
    """What the network sees of a batch, as (N, H, W, 3) uint8."""
    settings = cfg.model.get('data_preprocessor') or cfg.get('data_preprocessor') or {}
    preprocessor = MODELS.build({'type': 'ClsDataPreprocessor', **settings})
    inputs: Tensor = preprocessor(batch, training)['inputs'].float()
    if preprocessor._enable_normalize:
        inputs = inputs * preprocessor.std + preprocessor.mean
    pixels = inputs.round().clamp(0, 255).to(torch.uint8)
    return pixels.permute(0, 2, 3, 1).numpy()


def draw(images: np.ndarray, labels: list[str], branches: tuple[str, ...]) -> Figure:
    """A sheet of images with their classes; a row a group, if there are branches."""
    if branches:  # branch-major: all anchors come first
        columns = len(branches)
        order = np.arange(len(images)).reshape(columns, -1).T.ravel()
    else:
        columns = min(6, len(images))
        order = np.arange(len(images))
    rows = -(-len(images) // columns)
    figure = Figure(figsize=(1.8 * columns, 2.1 * rows), layout='constrained')
    FigureCanvasAgg(figure)
    grid = figure.subplots(rows, columns, squeeze=False)
    for axes in grid.flat:
        axes.axis('off')
    for axes, index in zip(grid.flat, order, strict=False):
        axes.imshow(images[index])
        axes.set_title(labels[index], fontsize=10)
    for axes, branch in zip(grid[0], branches, strict=False):
        axes.set_title(f'{branch}\n{axes.get_title()}', fontsize=10)
    return figure


def main() -> None:
    """Run the program."""
    args = parse_args()
    cfg = load_config(args.config, args.cfg_options)
    register_all_modules()
    init_default_scope(cfg.get('default_scope', 'mmpretrain'))
    loader_cfg = cfg.get(f'{args.phase}_dataloader')
    if not loader_cfg:
        fail(f'{args.config} has no {args.phase}_dataloader')
    loader_cfg.update(
        num_workers=0, persistent_workers=False, batch_size=args.batch_size
    )
    seed = cfg.get('randomness', {}).get('seed') or 0
    set_random_seed(seed)
    try:
        loader = Runner.build_dataloader(loader_cfg, seed=seed)
    except (FileNotFoundError, ValueError) as error:
        fail(str(error))
    ring = getattr(loader.batch_sampler, 'ring', None)
    classes = loader.dataset.metainfo['classes']
    args.out.mkdir(parents=True, exist_ok=True)
    for number, batch in enumerate(islice(loader, args.batches)):
        if isinstance(batch['inputs'][0], list | tuple):
            fail('the pipeline gives several views of an image, which is not drawn')
        labels = [classes[int(s.gt_label)] for s in batch['data_samples']]
        images = seen_images(cfg, batch, training=args.phase == 'train')
        path = args.out / f'{args.phase}_{number}.png'
        draw(images, labels, ring.branches if ring else ()).savefig(path, dpi=100)
        print(f'written to {path}')


if __name__ == '__main__':
    main()
