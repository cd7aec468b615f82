"""Swin's windows under a symbolic batch."""

import torch
from mmpretrain.models.utils import ShiftWindowMSA

from mmqcs.export.program import capture
from mmqcs.export.windows import whole_batches


def test_windows_come_back_as_in_mmpretrain():
    windows = torch.randn(2 * 6, 7, 7, 4)
    original = ShiftWindowMSA.window_reverse
    expected = original(windows, 14, 21, 7)
    with whole_batches():
        assert ShiftWindowMSA.window_reverse is not original
        assert torch.equal(ShiftWindowMSA.window_reverse(windows, 14, 21, 7), expected)
    assert ShiftWindowMSA.window_reverse is original


class Blocks(torch.nn.Module):
    """Cannot be captured, or not in minutes, without."""

    def __init__(self):
        super().__init__()
        self.blocks = torch.nn.ModuleList(
            ShiftWindowMSA(8, 2, window_size=7, shift_size=3 * (i % 2))
            for i in range(6)
        )

    def forward(self, x):
        for block in self.blocks:
            x = x + block(x, (14, 14))
        return x


def test_a_row_of_blocks_is_captured():
    module = Blocks().eval()
    program = capture(module, torch.randn(2, 196, 8), {0: 'batch'})
    x = torch.randn(5, 196, 8)
    with torch.no_grad():
        assert torch.allclose(program.module()(x), module(x), atol=1e-6)
