"""Features of images in two dimensions."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from .style import COLOURS, MARKERS, new_figure

__all__ = ['embed', 'embedding_figure']


def embed(features: np.ndarray, perplexity: float, seed: int) -> np.ndarray:
    """Embed features in two dimensions by t-SNE.

    Args:
        features: (N, C).
        perplexity: Effective number of neighbours, less than N.
        seed: Seed of the optimisation, which starts from the first two principal
            components.

    Returns:
        (N, 2). Neighbourhoods are meaningful, distances between clusters are not.

    Examples:
        >>> embed(np.random.default_rng(0).random((20, 8)), perplexity=5, seed=0).shape
        (20, 2)
    """
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
    return method.fit_transform(np.asarray(features, np.float32))


def embedding_figure(
    points: np.ndarray, labels: np.ndarray, classes: Sequence[str], title: str
) -> Figure:
    """Plot points in the colours and markers of their classes.

    Args:
        points: (N, 2).
        labels: Class of each point, integer (N,).
        classes: Class names.

    Examples:
        >>> points = np.random.default_rng(0).random((4, 2))
        >>> labels = np.array([0, 1, 0, 0])
        >>> figure = embedding_figure(points, labels, ('Sad', 'Happy'), 'Features')
        >>> [text.get_text() for text in figure.legends[0].get_texts()]
        ['Sad (3)', 'Happy (1)']
    """
    figure = new_figure(8.2, 6.4)
    axes = figure.add_subplot()
    for i, name in enumerate(classes):
        here = labels == i
        if here.any():
            axes.scatter(
                *points[here].T,
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
