"""Folded BatchNorm gives the same predictions."""

from types import SimpleNamespace

import pytest
import torch
import torch.nn as nn
from conftest import ROOT
from mmengine import Config

from mmqcs.engine import FuseConvBNHook
from mmqcs.registry import MODELS

SMALL = ROOT / 'configs/_base_/models/qcs_ir-small.py'


@pytest.mark.parametrize('mode', ['ir', 'ir_se'])
def test_only_rounding_changes(mode):
    torch.manual_seed(0)
    cfg = Config.fromfile(SMALL).model
    cfg.backbone.mode = mode
    model = MODELS.build(cfg).double().eval()
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.running_mean)
            nn.init.uniform_(module.running_var, 0.5, 2)
            nn.init.normal_(module.weight)
            nn.init.normal_(module.bias)
    images = torch.randn(3, 3, 64, 64, dtype=torch.double)
    expected = model(images)
    before = sum(isinstance(m, nn.BatchNorm2d) for m in model.modules())
    FuseConvBNHook().before_test(SimpleNamespace(model=model))
    # What stays is the norm that begins each of the six blocks: the zero padding
    # of the conv after it is not normalised.
    assert before == 15
    assert sum(isinstance(m, nn.BatchNorm2d) for m in model.modules()) == 6
    torch.testing.assert_close(model(images), expected)
