"""Show the features of the classes in a plane, by t-SNE.

    python tools/visualization/tsne.py CONFIG CHECKPOINT
    python tools/visualization/tsne.py CONFIG CHECKPOINT --split train --samples 500

The features are the inputs of the last linear layer: for QCS, the gated class token.
Clusters that are separate can be told apart; their sizes and the distances between them
mean nothing.
"""

import argparse

import numpy as np
import torch

from mmqcs.checkpoints import LoadedClassifier
from mmqcs.cli.figures import add_out, save_or_fail
from mmqcs.cli.options import ArgumentParser, fail
from mmqcs.cli.trained import add_model_arguments, batches, build_loader, load_model
from mmqcs.visualization.embedding import embed, embedding_figure


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_model_arguments(parser)
    parser.add_argument('--split', choices=('train', 'val', 'test'), default='test')
    parser.add_argument(
        '--samples', type=int, default=2000, help='maximum of images (default 2000)'
    )
    parser.add_argument('--perplexity', type=float, default=30, help='default 30')
    parser.add_argument('--seed', type=int, default=0, help='default 0')
    add_out(parser, 'tsne.png')
    args = parser.parse_args()
    if args.samples < 2:
        parser.error(f'--samples must be at least 2, got {args.samples}')
    return args


def choose(size: int, count: int, seed: int) -> list[int]:
    """Return up to ``count`` random positions of a dataset, in order."""
    if size <= count:
        return list(range(size))
    chosen = np.random.default_rng(seed).choice(size, count, replace=False)
    return sorted(chosen.tolist())


@torch.no_grad()
def features_of(
    trained: LoadedClassifier, args: argparse.Namespace
) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    """Return features (N, C), labels (N,) and class names for images of a split."""
    test = trained.config.get('test_dataloader')
    changes = {'batch_size': 64, 'batch_sampler': None}
    changes['sampler'] = dict(type='DefaultSampler', shuffle=False)
    pipeline = test and test.dataset.get('pipeline')
    dataset = (trained.config.get(f'{args.split}_dataloader') or {}).get('dataset')
    if dataset and pipeline:
        changes['dataset'] = {**dataset, 'pipeline': pipeline}
    loader = build_loader(trained.config, args.split, **changes)
    classes = loader.dataset.metainfo['classes']
    chosen = choose(len(loader.dataset), args.samples, args.seed)
    features, labels = [], []
    model = trained.model
    subset = torch.utils.data.Subset(loader.dataset, chosen)
    loader = torch.utils.data.DataLoader(subset, 64, collate_fn=loader.collate_fn)
    for batch in batches(loader):
        data = model.data_preprocessor(batch)
        features.append(model.extract_feat(data['inputs'], stage='pre_logits').cpu())
        labels += [int(sample.gt_label) for sample in data['data_samples']]
    return torch.cat(features).float().numpy(), np.array(labels), classes


def main() -> None:
    """Run the program."""
    args = parse_args()
    trained = load_model(args)
    features, labels, classes = features_of(trained, args)
    try:
        points = embed(features, args.perplexity, args.seed)
    except (ImportError, ValueError) as error:
        fail(f'{error}')
    title = f't-SNE of the features of {len(labels)} {args.split} images'
    save_or_fail(embedding_figure(points, labels, classes, title), args.out)


if __name__ == '__main__':
    main()
