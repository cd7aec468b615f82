"""The comparison that an export must stand."""

import numpy as np
import pytest

from mmqcs.export.check import check_scores, scores_of
from mmqcs.export.errors import ExportError


def scores(batch):
    """Of images (B, ...): softmax of mean and standard deviation."""
    axes = tuple(range(1, batch.ndim))
    powers = np.exp(np.stack([batch.mean(axes), batch.std(axes)], 1))
    return powers / powers.sum(1, keepdims=True)


def inputs(*shapes):
    rng = np.random.default_rng(0)
    return [rng.random(shape) for shape in shapes]


def expected(images):
    return np.concatenate([scores(image[None]) for image in images])


def test_right_scores_pass_one_by_one_and_together():
    images = inputs(*[(3, 4, 4)] * 5)
    seen = []

    def run(batch):
        seen.append(len(batch))
        return scores(batch)

    difference, batches = check_scores(run, images, expected(images))
    assert difference < 1e-12
    assert batches == (1, 5)
    assert seen == [1] * 5 + [5]


def test_images_of_one_shape_go_together_and_come_back_in_order():
    images = inputs((2, 2, 3), (4, 4, 3), (2, 2, 3), (5, 1, 3), (4, 4, 3))
    assert np.allclose(scores_of(scores, images, 10), expected(images))
    assert check_scores(scores, images, expected(images))[1] == (1, 2)


def test_the_batch_is_seen_to_be_dynamic_even_if_all_shapes_differ():
    images = inputs((2, 2, 3), (4, 4, 3))

    def only_one(batch):
        if len(batch) > 1:
            raise RuntimeError('fixed batch')
        return scores(batch)

    message = 'does not run in batches of 2: fixed batch'
    with pytest.raises(ExportError, match=message):
        check_scores(only_one, images, expected(images))


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (lambda x: x + 2e-4, 'in batches of 1 its scores differ .* by 0.0002'),
        (lambda x: x * np.nan, 'differ .* by nan'),
        (lambda x: x[::-1], 'in batches of 5'),  # right for a batch of one
        (lambda x: np.c_[x, x], r'shape \(5, 4\), PyTorch \(5, 2\)'),
    ],
)
def test_wrong_scores_do_not_pass(change, message):
    images = inputs(*[(3, 4, 4)] * 5)
    with pytest.raises(ExportError, match=message):
        check_scores(lambda batch: change(scores(batch)), images, expected(images))
