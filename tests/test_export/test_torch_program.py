"""Programs of torch.export."""

import numpy as np
import pytest
import torch
from mmpretrain.models.utils import ShiftWindowMSA
from torch import nn

from mmqcs.export.checks import ExportError, torch_run
from mmqcs.export.torch_program import capture, export_torch, read_program


@pytest.mark.slow
def test_small_model_with_preprocessing(small_source, tmp_path):
    check = export_torch(small_source, tmp_path / 'a.pt2')
    assert check.batches == (1, 14)
    module, about = read_program(tmp_path / 'a.pt2')
    assert about == small_source.description
    odd = np.random.default_rng(0).integers(0, 256, (3, 61, 83, 3), np.uint8)
    expected = torch_run(small_source.module)(odd)
    assert np.abs(torch_run(module)(odd) - expected).max() < 1e-5


class Branches(nn.Module):
    """Depends on numbers that are unknown at export."""

    def forward(self, x):
        return x if x.sum() > 0 else -x


class Blocks(nn.Module):
    """Windows of Swin, which MMPretrain counts in floating point."""

    def __init__(self):
        super().__init__()
        self.blocks = nn.ModuleList(
            ShiftWindowMSA(8, 2, window_size=7, shift_size=3 * i) for i in range(2)
        )

    def forward(self, x):
        for block in self.blocks:
            x = x + block(x, (14, 21))
        return x


def test_the_batch_size_of_swin_is_dynamic():
    original = ShiftWindowMSA.window_reverse
    module = Blocks().eval()
    program = capture(module, torch.randn(2, 294, 8), {0: 'batch'})
    assert ShiftWindowMSA.window_reverse is original
    x = torch.randn(5, 294, 8)
    with torch.no_grad():
        assert torch.allclose(program.module()(x), module(x), atol=1e-6)


def test_the_reason_for_a_failure_is_one_line():
    with pytest.raises(ExportError, match='cannot export the model: .+') as caught:
        capture(Branches(), torch.zeros(2, 3), {0: 'batch'})
    assert '\n' not in str(caught.value)
