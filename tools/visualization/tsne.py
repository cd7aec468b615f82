"""Show the features of the classes in a plane, by t-SNE.

    python tools/visualization/tsne.py CONFIG CHECKPOINT
    python tools/visualization/tsne.py CONFIG CHECKPOINT --split train --samples 500

The features are the inputs of the last linear layer: for QCS, the gated class token.
Clusters that are separate can be told apart; their sizes and the distances between them
mean nothing.
"""

import argparse
from typing import Any

import numpy as np
import torch
from matplotlib.figure import Figure

from mmqcs.checkpoints import LoadedClassifier
from mmqcs.cli.figures import add_out, save_or_fail
from mmqcs.cli.options import ArgumentParser, at_least, failing_on
from mmqcs.cli.progress import track
from mmqcs.cli.trained import add_model_arguments, build_loader, load_model
from mmqcs.visualization.style import COLOURS, MARKERS, new_figure


@torch.no_grad()
def features_of(
    trained: LoadedClassifier, args: argparse.Namespace
) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    """Return features (N, C), labels (N,) and class names for images of a split."""
    test = trained.config.get('test_dataloader')
    changes: dict[str, Any] = {'batch_size': 64, 'batch_sampler': None}
    changes['sampler'] = dict(type='DefaultSampler', shuffle=False)
    pipeline = test and test.dataset.get('pipeline')
    dataset = (trained.config.get(f'{args.split}_dataloader') or {}).get('dataset')
    if dataset and pipeline:
        changes['dataset'] = {**dataset, 'pipeline': pipeline}
    loader = build_loader(trained.config, args.split, **changes)
    images: Any = loader.dataset
    classes = images.metainfo['classes']
    size = len(images)
    generator = np.random.default_rng(args.seed)
    chosen = generator.choice(size, min(size, args.samples), replace=False)
    features, labels = [], []
    model = trained.model
    subset = torch.utils.data.Subset(images, sorted(chosen.tolist()))
    loader = torch.utils.data.DataLoader(subset, 64, collate_fn=loader.collate_fn)
    for batch in track(loader, 'batches'):
        data = model.data_preprocessor(batch)
        features.append(model.extract_feat(data['inputs'], stage='pre_logits').cpu())
        labels += [int(sample.gt_label) for sample in data['data_samples']]
    return torch.cat(features).float().numpy(), np.array(labels), classes


def embed(features: np.ndarray, perplexity: float, seed: int) -> np.ndarray:
    """Embed features (N, C) in two dimensions by t-SNE from their principal axes."""
    if not 0 < perplexity < len(features):
        raise ValueError(
            f'perplexity must be between 0 and the number of images, '
            f'{len(features)}, got {perplexity}'
        )
    try:
        from sklearn.manifold import TSNE
    except ImportError:
        hint = 't-SNE needs scikit-learn: pip install scikit-learn'
        raise ImportError(hint) from None
    method = TSNE(perplexity=perplexity, init='pca', random_state=seed)
    return method.fit_transform(features)


def embedding_figure(
    points: np.ndarray, labels: np.ndarray, classes: tuple[str, ...], title: str
) -> Figure:
    """Plot points (N, 2) in the colours and markers of their classes."""
    figure = new_figure(8.2, 6.4)
    axes = figure.add_subplot()
    for i, name in enumerate(classes):
        here = labels == i
        if here.any():
            axes.scatter(
                points[here, 0],
                points[here, 1],
                s=26,
                color=COLOURS[i % len(COLOURS)],
                # 7 colours and 8 markers give 56 different pairs
                marker=MARKERS[i % len(MARKERS)],
                alpha=0.75,
                linewidths=0,
                label=f'{name.replace("$", chr(92) + "$")} ({here.sum()})',
            )
    axes.set(xticks=[], yticks=[])
    axes.set_title(title, parse_math=False)
    figure.legend(loc='outside right upper', title='Class (images)')
    return figure


def main() -> None:
    """Run the program."""
    parser = ArgumentParser(description=__doc__)
    add_model_arguments(parser)
    parser.add_argument('--split', choices=('train', 'val', 'test'), default='test')
    text = 'maximum of images (default 2000)'
    parser.add_argument('--samples', type=at_least(2), default=2000, help=text)
    parser.add_argument('--perplexity', type=float, default=30, help='default 30')
    parser.add_argument('--seed', type=int, default=0, help='default 0')
    add_out(parser, 'tsne.png')
    args = parser.parse_args()
    trained = load_model(args)
    features, labels, classes = features_of(trained, args)
    with failing_on(ImportError, ValueError):
        points = embed(features, args.perplexity, args.seed)
    title = f't-SNE of the features of {len(labels)} {args.split} images'
    save_or_fail(embedding_figure(points, labels, classes, title), args.out)


if __name__ == '__main__':
    main()
