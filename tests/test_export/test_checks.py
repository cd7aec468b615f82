"""Comparison of an exported model with PyTorch."""

import numpy as np
import pytest

from mmqcs.export.checks import ExportError, check_export, scores_of


def scores(batch):
    """Softmax of the mean and the standard deviation of images (B, ...)."""
    axes = tuple(range(1, batch.ndim))
    powers = np.exp(np.stack([batch.mean(axes), batch.std(axes)], 1))
    return powers / powers.sum(1, keepdims=True)


def inputs(*shapes):
    rng = np.random.default_rng(0)
    return [rng.random(shape) for shape in shapes]


def expected(images):
    return np.concatenate([scores(image[None]) for image in images])


def test_right_scores_pass_in_single_and_large_batches():
    images = inputs(*[(3, 4, 4)] * 5)
    seen = []

    def run(batch):
        seen.append(len(batch))
        return scores(batch)

    check = check_export(run, images, expected(images))
    assert check.difference < 1e-12
    assert check.batches == (1, 5)
    assert seen == [1] * 5 + [5]


def test_images_of_one_shape_share_a_batch_and_keep_their_order():
    images = inputs((2, 2, 3), (4, 4, 3), (2, 2, 3), (5, 1, 3), (4, 4, 3))
    assert np.allclose(scores_of(scores, images, 10), expected(images))
    assert check_export(scores, images, expected(images)).batches == (1, 2)


def test_a_fixed_batch_is_found_even_if_all_shapes_differ():
    images = inputs((2, 2, 3), (4, 4, 3))

    def only_one(batch):
        if len(batch) > 1:
            raise RuntimeError('fixed batch')
        return scores(batch)

    with pytest.raises(ExportError, match='batches of 2: fixed batch'):
        check_export(only_one, images, expected(images))


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (lambda x: x + 2e-4, r'batches of 1: .* 0\.0002'),
        (lambda x: x * np.nan, 'nan'),
        (lambda x: x[::-1], 'batches of 5'),  # right for a batch of one
        (lambda x: np.c_[x, x], r'\(5, 4\), PyTorch \(5, 2\)'),
    ],
)
def test_wrong_scores_are_refused(change, message):
    images = inputs(*[(3, 4, 4)] * 5)
    with pytest.raises(ExportError, match=message):
        check_export(lambda batch: change(scores(batch)), images, expected(images))
