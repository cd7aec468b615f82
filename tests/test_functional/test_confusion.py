"""The running confusion, against loops over images and classes."""

import numpy as np
import pytest
import torch
from dispatch import NoSync

from mmqcs.functional import confusion_sums, negative_weights, update_confusion

K = 5


def random_batch(seed=0, size=12):
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(size, K, generator=generator) * 3
    return logits, torch.randint(K - 1, (size,), generator=generator)  # none of K - 1


def test_sums_by_hand():
    logits, labels = random_batch()
    expected = np.zeros((K, K))
    for row, label in zip(logits.double().numpy(), labels.tolist(), strict=True):
        exps = np.exp(row)
        expected[label] += exps / exps.sum()
    sums = confusion_sums(logits, labels)
    np.testing.assert_allclose(sums, expected, rtol=1e-5)
    counts = np.bincount(labels, minlength=K)
    np.testing.assert_allclose(sums.sum(dim=1), counts, rtol=1e-5)


def test_sums_do_not_read_values_back():
    with NoSync():
        confusion_sums(*random_batch())


def test_autocast_does_not_round_the_sums():
    logits, labels = random_batch()
    with torch.autocast('cpu', torch.bfloat16):
        rounded = confusion_sums(logits, labels)
    assert torch.equal(rounded, confusion_sums(logits, labels))


@pytest.mark.parametrize('bad', [float('nan'), float('inf')])
def test_images_without_finite_logits_do_not_count(bad):
    logits, labels = random_batch()
    expected = confusion_sums(logits[1:], labels[1:])
    logits[0, 2] = bad
    torch.testing.assert_close(confusion_sums(logits, labels), expected)


def test_the_mean_by_hand():
    """Three epochs; class K - 1 never occurs, and class 0 not in the second."""
    epochs = [random_batch(seed, size=30) for seed in range(3)]
    epochs[1] = (epochs[1][0], epochs[1][1].clamp(min=1))
    running = np.zeros((K, K))
    expected: dict[int, np.ndarray] = {}
    for logits, labels in epochs:
        running = update_confusion(
            running, confusion_sums(logits, labels).double().numpy(), momentum=0.3
        )
        for label in set(labels.tolist()):
            mean = logits[labels == label].softmax(dim=1).mean(dim=0).numpy()
            before = expected.get(label)
            expected[label] = mean if before is None else 0.7 * before + 0.3 * mean
    for label in range(K):
        row = expected.get(label, np.zeros(K))
        np.testing.assert_allclose(running[label], row, rtol=1e-5)
    assert sorted(expected) == list(range(K - 1))


def weights(temperature, counts=(4, 4, 0, 4, 4)):
    rng = np.random.default_rng(0)
    confusion = rng.dirichlet(np.ones(K), size=K)
    confusion[3] = 0  # unknown
    return confusion, negative_weights(confusion, np.array(counts), temperature)


@pytest.mark.parametrize('temperature', [0.5, 1.0, 3.0])
def test_weights_by_hand(temperature):
    confusion, found = weights(temperature)
    for i in (0, 1, 2, 4):
        row = [
            0 if j in (i, 2) else confusion[i, j] ** (1 / temperature) for j in range(K)
        ]
        np.testing.assert_allclose(found[i], np.array(row) / sum(row))


def test_limits_of_the_temperature():
    confusion, cold = weights(1e-3)
    _, hot = weights(1e6)
    for i in (0, 1, 4):
        others = [j for j in (0, 1, 3, 4) if j != i]
        assert cold[i].argmax() == max(others, key=lambda j: confusion[i, j])
        assert cold[i].max() == pytest.approx(1)
        np.testing.assert_allclose(hot[i, others], 1 / 3, rtol=1e-4)


def test_an_unknown_row_follows_the_number_of_images():
    _, found = weights(1.0, counts=(1, 2, 0, 9, 5))
    np.testing.assert_allclose(found[3], np.array([1, 2, 0, 0, 5]) / 8)


def test_a_certain_model_still_draws_all_classes():
    found = negative_weights(np.eye(3), np.array([2, 2, 2]), 1.0)
    np.testing.assert_allclose(found, (1 - np.eye(3)) / 2)
