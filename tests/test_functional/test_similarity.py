"""Similarity attention against loops over single tokens, and published numbers."""

import math

import numpy as np
import pytest
import torch
from reference_case import DATA

from mmqcs.functional import (
    PAIR,
    QUADRUPLET,
    edge_scores,
    pairwise_distance,
    scaled_dot_product_attention,
    token_weights,
)
from mmqcs.functional.similarity import sample_max

SIMILAR = {0: 1, 1: 0, 2: 3, 3: 2}
DISSIMILAR = {0: 2, 2: 0, 1: 3, 3: 1}


@pytest.fixture(scope='module')
def published():
    return dict(np.load(DATA / 'functions.npz'))


@pytest.fixture
def tokens():
    generator = torch.Generator().manual_seed(0)
    return torch.randn(4, 2, 5, 8, generator=generator, dtype=torch.float64)


def brute_force_weights(tokens, mode, k, per_sample=False):
    """Steps 2 to 4 of CSA, one token at a time."""
    images, batch, n, _ = tokens.shape

    def distance(i, j, b, x, y):
        return math.dist(tokens[i, b, x].tolist(), tokens[j, b, y].tolist())

    def score(i, j, b, x, similar):
        groups = [b] if per_sample else range(batch)
        all_distances = [
            distance(i, j, g, p, q) for g in groups for p in range(n) for q in range(n)
        ]
        largest, smallest = max(all_distances), min(all_distances)

        def entry(p, q):
            d = distance(i, j, b, p, q)
            return largest - d if similar else d - smallest

        return sum(
            entry(x, m) / max(math.hypot(*(entry(p, m) for p in range(n))), 1e-12)
            for m in range(n)
        )

    weights = torch.zeros(images, batch, n, dtype=tokens.dtype)
    for i in range(images):
        for b in range(batch):
            s = []
            for x in range(n):
                value = 0.0
                if 'S' in mode:
                    value += score(i, SIMILAR[i], b, x, True)
                if 'D' in mode:
                    factor = 1 + k if mode == 'SD' else 1
                    value += factor * score(i, DISSIMILAR[i], b, x, False)
                s.append(value)
            weights[i, b] = torch.softmax(torch.tensor(s, dtype=tokens.dtype), 0)
    return weights


@pytest.mark.parametrize('mode', ['SD', 'S', 'D'])
def test_weights_equal_brute_force(tokens, mode):
    expected = brute_force_weights(tokens, mode, 0.3)
    actual = token_weights(tokens, QUADRUPLET, mode, 0.3)
    torch.testing.assert_close(actual, expected)


def test_range_over_the_sample(tokens):
    tokens[:, 1] *= 3
    expected = brute_force_weights(tokens, 'SD', 0.3, per_sample=True)
    actual = token_weights(tokens, QUADRUPLET, 'SD', 0.3, sample_max)
    torch.testing.assert_close(actual, expected)
    batch = token_weights(tokens, QUADRUPLET, 'SD', 0.3)
    assert not torch.allclose(actual, batch, atol=1e-3)


def test_sample_range_makes_groups_independent(tokens):
    one = token_weights(tokens[:, :1], QUADRUPLET, 'SD', 0.3, sample_max)
    two = token_weights(tokens, QUADRUPLET, 'SD', 0.3, sample_max)
    torch.testing.assert_close(one, two[:, :1])


@pytest.mark.parametrize('mode', ['SD', 'S', 'D'])
def test_published_weights_and_gradients(published, mode):
    tokens = torch.tensor(published['tokens'], requires_grad=True)
    name = f'quad_{mode.lower()}'
    weights = token_weights(tokens, QUADRUPLET, mode, float(published['k']))
    (weights * torch.tensor(published['grad_weight'])).sum().backward()
    np.testing.assert_allclose(weights.detach(), published[name], atol=1e-5)
    np.testing.assert_allclose(tokens.grad, published[f'{name}_grad'], atol=1e-5)


def test_published_pair(published):
    tokens = torch.tensor(published['tokens'])[:2]
    weights = token_weights(tokens, PAIR, 'S')
    np.testing.assert_allclose(weights, published['pair_s'], atol=1e-5)
    attention = scaled_dot_product_attention(tokens, PAIR)
    np.testing.assert_allclose(attention, published['pair_sdpa'], atol=1e-5)


def test_weights_are_a_distribution(tokens):
    weights = token_weights(tokens, QUADRUPLET)
    assert (weights > 0).all()
    torch.testing.assert_close(weights.sum(-1), torch.ones(4, 2).double())


def test_the_ring_is_symmetric(tokens):
    """Swapping anchor and positive, and both negatives, swaps their weights."""
    swapped = token_weights(tokens[[1, 0, 3, 2]], QUADRUPLET, 'SD', 0.3)
    torch.testing.assert_close(
        swapped, token_weights(tokens, QUADRUPLET, 'SD', 0.3)[[1, 0, 3, 2]]
    )


def test_equal_tokens_give_uniform_weights_and_finite_gradients():
    tokens = torch.ones(4, 2, 5, 8, requires_grad=True)
    weights = token_weights(tokens, QUADRUPLET)
    weights[0, 0, 0].backward()
    torch.testing.assert_close(weights, torch.full((4, 2, 5), 0.2))
    assert torch.isfinite(tokens.grad).all()


def test_gradient_is_that_of_the_function(tokens):
    tokens = tokens[:, :1, :3].clone().requires_grad_()
    assert torch.autograd.gradcheck(
        lambda x: token_weights(x, QUADRUPLET, 'SD', 0.3), tokens
    )


def test_half_precision_is_computed_in_single(tokens):
    half = tokens.bfloat16()
    assert pairwise_distance(half, QUADRUPLET.similar).dtype == torch.float32
    torch.testing.assert_close(
        token_weights(half, QUADRUPLET), token_weights(half.float(), QUADRUPLET)
    )


def test_scores_of_both_ends():
    maps = torch.rand(3, 2, 5, 5)
    scores = edge_scores(maps)
    torch.testing.assert_close(scores[:, 1], edge_scores(maps.mT)[:, 0])


@pytest.mark.parametrize(
    ('mode', 'ring', 'message'),
    [
        ('X', QUADRUPLET, "'X'"),
        ('SD', PAIR, "use mode 'S'"),
        ('D', PAIR, 'dissimilar edges'),
    ],
)
def test_bad_modes(tokens, mode, ring, message):
    with pytest.raises(ValueError, match=message):
        token_weights(tokens[: ring.size], ring, mode)
