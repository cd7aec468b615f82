import math

import numpy as np
import pytest
import torch
from reference_case import DATA

from mmqcs.functional import (
    bilinear_pool,
    euclidean_loss,
    kl_distillation_loss,
)


@pytest.fixture(scope='module')
def published():
    data = np.load(DATA / 'functions.npz')
    return {name: torch.tensor(data[name]) for name in data}


@pytest.mark.parametrize('temperature', [1, 4])
def test_published_kl(published, temperature):
    loss = kl_distillation_loss(published['student'], published['teacher'], temperature)
    torch.testing.assert_close(loss, published[f'kl_T{temperature}'], rtol=0, atol=1e-5)


def test_kl_by_loops():
    student, teacher, t = torch.randn(3, 5), torch.randn(3, 5), 2.5
    total = 0.0
    for s, q in zip(student, teacher, strict=True):
        p, r = torch.softmax(q / t, 0), torch.softmax(s / t, 0)
        total += sum(float(a * math.log(a / b)) for a, b in zip(p, r, strict=True))
    loss = kl_distillation_loss(student, teacher, t)
    assert float(loss) == pytest.approx(t**2 * total / 3, rel=1e-5)


def test_published_euclidean(published):
    loss = euclidean_loss(published['student'], published['teacher'])
    torch.testing.assert_close(loss, published['euclidean'], rtol=0, atol=1e-5)


def test_published_bilinear(published):
    base, refined = published['tokens'][0], published['tokens'][1]
    torch.testing.assert_close(
        bilinear_pool(base, refined), published['bilinear'], rtol=0, atol=1e-5
    )


def test_bilinear_by_loops():
    base, refined = torch.randn(2, 3, 4).double(), torch.randn(2, 3, 4).double()
    for b in range(2):
        x = torch.zeros(4, 4).double()
        for n in range(3):
            x += torch.outer(base[b, n], refined[b, n]) / 3
        x = torch.tensor(
            [math.copysign(math.sqrt(abs(v) + 1e-5), v) for v in x.flatten().tolist()]
        ).double()
        expected = 100 * x / x.norm()
        torch.testing.assert_close(bilinear_pool(base, refined)[b], expected)
