"""Programs of torch.export."""

import numpy as np
import pytest
import torch
from conftest import ROOT
from torch import nn

from mmqcs.export.check import check_scores
from mmqcs.export.compare import torch_run
from mmqcs.export.errors import ExportError
from mmqcs.export.program import capture, dynamic_axes, read_program, write_program
from mmqcs.export.subject import read_subject

CONFIG = str(ROOT / 'configs/qcs/qcs_ir-small_synthfer.py')


@pytest.mark.slow
def test_small_model_with_preprocessing(small_config, small_checkpoint, tmp_path):
    subject = read_subject(small_config, CONFIG, small_checkpoint, 'faces', 4)
    program = capture(subject.whole(), subject.example(), dynamic_axes('faces'))
    write_program(program, subject.description, tmp_path / 'a.pt2')
    module, about = read_program(tmp_path / 'a.pt2')
    assert about == subject.description
    run = torch_run(module)
    assert check_scores(run, subject.inputs, subject.expected)[1] == (1, 4)
    odd = np.random.default_rng(0).integers(0, 256, (3, 61, 83, 3), np.uint8)
    with torch.no_grad():
        expected = subject.whole()(torch.from_numpy(odd))[0].numpy()
    assert np.abs(run(odd) - expected).max() < 1e-5


class LenOfTensor(nn.Module):
    """Fixes the batch unless it is traced strictly."""

    def forward(self, x):
        return x.expand(len(x), -1) + 1


class Branches(nn.Module):
    """Depends on numbers that a program cannot know."""

    def forward(self, x):
        return x if x.sum() > 0 else -x


def test_either_way_of_tracing_is_tried():
    program = capture(LenOfTensor(), torch.zeros(2, 3), {0: 'batch'})
    assert program.module()(torch.zeros(5, 3)).shape == (5, 3)


def test_what_cannot_be_captured_is_said_in_one_line():
    with pytest.raises(ExportError, match='cannot export the model: .+') as caught:
        capture(Branches(), torch.zeros(2, 3), {0: 'batch'})
    assert '\n' not in str(caught.value)
