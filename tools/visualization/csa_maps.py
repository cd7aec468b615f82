"""Show which tokens cross similarity attention weighs up, group by group.

    python tools/visualization/csa_maps.py CONFIG CHECKPOINT
    python tools/visualization/csa_maps.py CONFIG CHECKPOINT --level 3 --split train

Draws groups by the batch sampler of the config, without augmentation, and runs the
cross branch on them. A group is two rows: the faces, and over them the weights of
their tokens, averaged over the levels of the pyramid or those of one level. A token
weighs much where it agrees with the similar partner (anchor and positive, both
negatives) and, in QCS, differs from the dissimilar one (anchor and negative, positive
and second negative). 1 is the weight of all tokens alike.
"""

import argparse
from typing import Any

import numpy as np
import torch
from mmengine.config import Config
from torch.utils.data import DataLoader

from mmqcs.cli.figures import add_out, save_or_fail
from mmqcs.cli.options import ArgumentParser, fail
from mmqcs.cli.trained import (
    TrainedModel,
    add_model_arguments,
    build_loader,
    load_model,
    shown_images,
)
from mmqcs.visualization import heat_map_sheet, overlay_heat_map
from mmqcs.visualization.similarity import csa_neck, csa_weights

PAIRS = {
    'S': 'agree with the similar partner',
    'D': 'differ from the dissimilar partner',
    'SD': 'agree with the similar and differ from the dissimilar partner',
}


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_model_arguments(parser)
    parser.add_argument('--groups', type=int, default=3, help='groups (default 3)')
    parser.add_argument('--split', choices=('train', 'test'), default='test')
    parser.add_argument(
        '--level', type=int, help='level of the pyramid, from 1; default: their mean'
    )
    parser.add_argument('--seed', type=int, help="default: the config's, else 0")
    parser.add_argument(
        '--squares', action='store_true', help='show tokens as squares, not smoothed'
    )
    add_out(parser, 'csa_maps.png')
    args = parser.parse_args()
    if args.groups < 1:
        parser.error(f'--groups must be at least 1, got {args.groups}')
    return args


def group_loader(config: Config, args: argparse.Namespace) -> DataLoader:
    """Groups of a split by the sampler that trains, images as in tests."""
    train, test = config.get('train_dataloader'), config.get('test_dataloader')
    if not train or not test:
        fail(f'{args.config} has no train_dataloader or no test_dataloader')
    dataset: dict[str, Any] = dict((train if args.split == 'train' else test).dataset)
    if pipeline := test.dataset.get('pipeline'):
        dataset['pipeline'] = pipeline
    if args.seed is not None:
        config.randomness = {**config.get('randomness', {}), 'seed': args.seed}
    changes = {'dataset': dataset, 'batch_size': args.groups}
    loader = build_loader(config, 'train', args.config, **changes)
    if not hasattr(loader.batch_sampler, 'ring'):
        fail(f'{args.config} draws no groups: train_dataloader has no batch_sampler')
    return loader


def relative_weights(
    trained: TrainedModel, inputs: torch.Tensor, args: argparse.Namespace
) -> tuple[np.ndarray, str]:
    """Weights (N, h, h) with respect to the mean, and of which levels they are."""
    try:
        weights = csa_weights(trained.model, inputs).flatten(1, 2)
    except ValueError as error:
        fail(f'{args.config}: {error}')
    if args.level is None:
        chosen, name = weights.mean(dim=0), f'mean of {len(weights)} levels'
    elif 1 <= args.level <= len(weights):
        chosen, name = weights[args.level - 1], f'level {args.level} of {len(weights)}'
    else:
        fail(f'--level must be from 1 to {len(weights)}, got {args.level}')
    return chosen.cpu().numpy() * chosen[0].numel(), name


def lay_out(
    rows: list[list], captions: list[list[str]], branches: int
) -> tuple[list, list[str]]:
    """Puts a group after the other, each with a row of every kind.

    Args:
        rows: For each kind of row, images in branch-major order.
        captions: Likewise.
        branches: Images of a group.
    """
    groups = len(rows[0]) // branches
    order = [
        (kind, group + groups * branch)
        for group in range(groups)
        for kind in range(len(rows))
        for branch in range(branches)
    ]
    return [rows[k][i] for k, i in order], [captions[k][i] for k, i in order]


def main() -> None:
    """Run the program."""
    args = parse_args()
    trained = load_model(args, needs_cross=True)
    try:
        attention = csa_neck(trained.model)
    except ValueError as error:
        fail(f'{args.config}: {error}')
    loader = group_loader(trained.config, args)
    batch = next(iter(loader))
    preprocessor = trained.model.data_preprocessor
    inputs = preprocessor(batch)['inputs']
    weights, name = relative_weights(trained, inputs, args)
    faces = shown_images(preprocessor, inputs)
    low, high = float(weights.min()), float(weights.max())
    maps = [
        overlay_heat_map(face, weight, low, high, smooth=not args.squares)
        for face, weight in zip(faces, weights, strict=True)
    ]
    classes = loader.dataset.metainfo['classes']
    labels = [classes[int(sample.gt_label)] for sample in batch['data_samples']]
    branches = attention.ring.branches
    names = np.repeat(branches, len(labels) // len(branches))
    titles = [
        f'{branch.replace("_", " ")}\n{label}'
        for branch, label in zip(names, labels, strict=True)
    ]
    ranges = [f'{w.min():.2f} to {w.max():.2f}' for w in weights]
    rows = lay_out([list(faces), maps], [titles, ranges], len(branches))
    title = f'Token weights of cross similarity attention, {name}\n'
    title += f'bright: tokens that {PAIRS[attention.levels[0].mode]}'
    scale = (low, high, 'weight; 1: all tokens alike')
    figure = heat_map_sheet(*rows, len(branches), title, scale, side=2.0)
    save_or_fail(figure, args.out)


if __name__ == '__main__':
    main()
