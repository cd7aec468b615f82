"""The region head of QCS on a GPU."""

import torch
from det_case import ROOT  # noqa: F401  # first: skips without MMDetection
from gpu_case import DEVICE, needs_gpu
from mmengine.registry import DefaultScope
from test_det.test_qcs_roi_head import batch, make

pytestmark = needs_gpu


def test_the_cross_losses_are_those_of_the_cpu():
    found = {}
    for device in ('cpu', DEVICE):
        torch.manual_seed(0)
        with DefaultScope.overwrite_default_scope('mmdet'):
            head, (results, feats) = make(seed=3).to(device), batch()
        results = [result.to(device) for result in results]
        losses = head.cross_loss(feats.to(device), results)
        found[device] = {name: torch.as_tensor(x).cpu() for name, x in losses.items()}
    assert found['cpu']['num_groups'] > 0
    torch.testing.assert_close(found[DEVICE], found['cpu'], rtol=1e-4, atol=1e-5)
