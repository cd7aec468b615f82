"""Changes to weights before they are published."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

STEM = 'backbone.stem.0.weight'
"""First convolution of :class:`mmqcs.models.IRNet`."""

CLASSIFIER = 'head.fc.bias'
"""Bias of the last layer of MMPretrain's ``LinearClsHead`` and of ``GatedClsHead``."""

LUMINANCE = (0.299, 0.587, 0.114)
"""Weights of red, green and blue in a grey image (ITU-R BT.601), as OpenCV's."""


def half_precision(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Convert matrices and convolutions to float16, which halves the file.

    Vectors such as BatchNorm's statistics stay in float32: they take little space, and
    variances can lie outside the range of float16.

    Args:
        state: Weights by key.

    Returns:
        A copy. Modules in float32 load it as it is.

    Raises:
        ValueError: A weight is too large for float16.

    Examples:
        >>> import torch
        >>> state = half_precision({'w': torch.ones(2, 2), 'b': torch.ones(2)})
        >>> state['w'].dtype, state['b'].dtype
        (torch.float16, torch.float32)
    """
    result = {}
    for key, value in state.items():
        if value.is_floating_point() and value.ndim > 1:
            value = value.half()
            if not value.isfinite().all():
                raise ValueError(f'{key} is too large for float16 (65504)')
        result[key] = value
    return result


def grey_stem(
    state: Mapping[str, Tensor], preprocessor: Mapping[str, Any]
) -> dict[str, Tensor]:
    """Make a network that was trained on grey images convert photographs to grey.

    For grey images only the sum of the stem's weights over the three channels matters.
    The sum is distributed over red, green and blue as luminance, so that the network
    gives a photograph the scores of its grey version, and grey images the scores they
    had before.

    Args:
        state: Weights by key, of a model whose backbone is an ``IRNet``.
        preprocessor: Config of the model's data preprocessor: the order of channels,
            and ``mean`` and ``std``, which must be the same for all channels.

    Returns:
        A copy.

    Raises:
        ValueError: There is no such stem, or the channels are normalised differently.
    """
    stem = state.get(STEM)
    if stem is None or stem.shape[1] != 3:
        raise ValueError(f'the weights have no {STEM} of three channels')
    for name in ('mean', 'std'):
        if len(set(preprocessor.get(name) or ())) > 1:
            raise ValueError(
                f'{name} of the data preprocessor must be the same for all channels, '
                f'got {preprocessor[name]}'
            )
    order = LUMINANCE if preprocessor.get('to_rgb') else LUMINANCE[::-1]
    weights = stem.new_tensor(order)[None, :, None, None]
    return {**state, STEM: stem.sum(dim=1, keepdim=True) * weights}


def adjust_logits(
    state: Mapping[str, Tensor], counts: Sequence[int], tau: float
) -> dict[str, Tensor]:
    """Subtract ``tau · log(share)`` from the logits, which favours rare classes.

    A network that was trained on unbalanced classes expects their shares in what it
    sees. With calibrated scores, ``tau=1`` gives the best mean accuracy of classes
    (Menon et al., Long-tail Learning via Logit Adjustment, 2021, Section 4.1).

    Args:
        state: Weights by key, of a model whose head ends with a linear layer.
        counts: Training images of each class.
        tau: Strength of the adjustment.

    Returns:
        A copy.

    Raises:
        ValueError: There is no such layer for so many classes, or a class is empty.

    Examples:
        >>> import torch
        >>> adjust_logits({'head.fc.bias': torch.zeros(2)}, [3, 1], tau=1.0)
        {'head.fc.bias': tensor([0.2877, 1.3863])}
    """
    bias = state.get(CLASSIFIER)
    if bias is None or len(bias) != len(counts):
        raise ValueError(f'the weights have no {CLASSIFIER} of {len(counts)} classes')
    if min(counts) < 1:
        raise ValueError(f'every class needs images, got {list(counts)}')
    shares = torch.tensor(counts, dtype=torch.float64) / sum(counts)
    return {**state, CLASSIFIER: (bias - tau * shares.log()).to(bias.dtype)}
