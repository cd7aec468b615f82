"""Show which tokens cross similarity attention emphasises, group by group.

    python tools/visualization/csa_maps.py CONFIG CHECKPOINT
    python tools/visualization/csa_maps.py CONFIG CHECKPOINT --level 3 --split train

Takes groups from the batch sampler of the config, without augmentation, and runs the
cross branch on them. Each group has two rows: the faces, and the faces with the weights
of their tokens, for one level of the pyramid or averaged over the levels. A token has a
high weight if it agrees with the similar partner (anchor and positive, both negatives)
and, in QCS, differs from the dissimilar one (anchor and negative, positive and second
negative). With equal weights each would be 1.
"""

import argparse
from typing import Any

import numpy as np
import torch
from mmengine.config import Config
from torch.utils.data import DataLoader

from mmqcs.checkpoints import LoadedClassifier
from mmqcs.cli.figures import add_out, save_or_fail
from mmqcs.cli.options import ArgumentParser, at_least, fail, failing_on
from mmqcs.cli.trained import (
    add_model_arguments,
    build_loader,
    by_group,
    load_model,
    shown_images,
)
from mmqcs.explain import csa_neck, csa_weights
from mmqcs.visualization import heat_map_sheet, overlay_heat_map

PAIRS = {
    'S': 'agree with the similar partner',
    'D': 'differ from the dissimilar partner',
    'SD': 'agree with the similar and differ from the dissimilar partner',
}


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = ArgumentParser(description=__doc__)
    add_model_arguments(parser)
    parser.add_argument(
        '--groups', type=at_least(1), default=3, help='number of groups (default 3)'
    )
    parser.add_argument('--split', choices=('train', 'test'), default='test')
    parser.add_argument(
        '--level', type=int, help='level of the pyramid, from 1 (default: mean of all)'
    )
    parser.add_argument('--seed', type=int, help='default: that of the config, else 0')
    parser.add_argument(
        '--squares', action='store_true', help='show tokens as squares, not smoothed'
    )
    add_out(parser, 'csa_maps.png')
    return parser.parse_args()


def group_loader(config: Config, args: argparse.Namespace) -> DataLoader:
    """Return groups of a split from the training sampler, with test transforms."""
    train, test = config.get('train_dataloader'), config.get('test_dataloader')
    if not train or not test:
        fail(f'{args.config} has no train_dataloader or no test_dataloader')
    dataset: dict[str, Any] = dict((train if args.split == 'train' else test).dataset)
    if pipeline := test.dataset.get('pipeline'):
        dataset['pipeline'] = pipeline
    if args.seed is not None:
        config.randomness = {**config.get('randomness', {}), 'seed': args.seed}
    changes = {'dataset': dataset, 'batch_size': args.groups}
    loader = build_loader(config, 'train', **changes)
    if not hasattr(loader.batch_sampler, 'ring'):
        fail(f'{args.config} has no groups: train_dataloader needs a GroupBatchSampler')
    return loader


def relative_weights(
    trained: LoadedClassifier, inputs: torch.Tensor, args: argparse.Namespace
) -> tuple[np.ndarray, str]:
    """Return weights (N, h, h) relative to their mean, and the name of the levels."""
    weights = csa_weights(trained.model, inputs).flatten(1, 2)
    if args.level is None:
        chosen, name = weights.mean(dim=0), f'mean of {len(weights)} levels'
    elif 1 <= args.level <= len(weights):
        chosen, name = weights[args.level - 1], f'level {args.level} of {len(weights)}'
    else:
        fail(f'--level must be from 1 to {len(weights)}, got {args.level}')
    return chosen.cpu().numpy() * chosen[0].numel(), name


def main() -> None:
    """Run the program."""
    args = parse_args()
    trained = load_model(args, with_cross=True)
    with failing_on(ValueError, prefix=f'{args.config}: '):
        attention = csa_neck(trained.model)
    loader = group_loader(trained.config, args)
    batch = next(iter(loader))
    preprocessor = trained.model.data_preprocessor
    inputs = preprocessor(batch)['inputs']
    with failing_on(ValueError, prefix=f'{args.config}: '):
        weights, name = relative_weights(trained, inputs, args)
    faces = shown_images(preprocessor, inputs)
    low, high = float(weights.min()), float(weights.max())
    maps = [
        overlay_heat_map(face, weight, low, high, smooth=not args.squares)
        for face, weight in zip(faces, weights, strict=True)
    ]
    classes = loader.dataset.metainfo['classes']  # type: ignore[attr-defined]
    labels = [classes[int(sample.gt_label)] for sample in batch['data_samples']]
    branches = attention.ring.branches
    names = np.repeat(branches, len(labels) // len(branches))
    titles = [
        f'{branch.replace("_", " ")}\n{label}'
        for branch, label in zip(names, labels, strict=True)
    ]
    ranges = [f'{w.min():.2f} to {w.max():.2f}' for w in weights]
    images = by_group([list(faces), maps], len(branches))
    captions = by_group([titles, ranges], len(branches))
    title = f'Token weights of cross similarity attention, {name}\n'
    title += f'bright: tokens that {PAIRS[attention.levels.mode]}'
    scale = (low, high, 'weight (1: equal weights)')
    figure = heat_map_sheet(images, captions, len(branches), title, scale, side=2.0)
    save_or_fail(figure, args.out)


if __name__ == '__main__':
    main()
