"""The benchmarks compare like with like, and run."""

import json
import subprocess
import sys

import pytest
import torch
from conftest import ROOT
from mmengine import Config
from mmpretrain.structures import DataSample

sys.path.append(str(ROOT / 'tools/benchmarks'))
from baseline import ParameterwiseSAM, branch_by_branch_loss

from mmqcs.engine import SAMOptimWrapper
from mmqcs.registry import MODELS

SMALL = ROOT / 'configs/qcs/qcs_ir-small_synthfer.py'


def small_model(**changes):
    torch.manual_seed(0)
    model = MODELS.build(dict(Config.fromfile(SMALL).model, **changes))
    model.init_weights()
    return model.double().train()


def test_the_baseline_iteration_is_ours():
    ours, theirs = small_model(), small_model(statistics='joint')
    theirs.load_state_dict(ours.state_dict())
    images = torch.randn(8, 3, 64, 64, dtype=torch.double)
    labels = torch.tensor([0, 1, 0, 1, 2, 3, 2, 3])
    samples = [DataSample().set_gt_label(label) for label in labels]
    branches = images.chunk(4), labels.chunk(4)
    wrapper = SAMOptimWrapper(optimizer=torch.optim.SGD(ours.parameters(), lr=0.1))
    wrapper.hook_installed = True
    sam = ParameterwiseSAM(torch.optim.SGD(theirs.parameters(), lr=0.1))
    for finish in (sam.ascend, sam.descend):
        losses = ours(images, samples, mode='loss')
        loss, _ = ours.parse_losses(losses)
        expected = branch_by_branch_loss(theirs, *branches)
        torch.testing.assert_close(loss, expected)
        wrapper.update_params(loss)
        expected.backward()
        finish()
    torch.testing.assert_close(ours.state_dict(), theirs.state_dict())


@pytest.mark.slow
def test_train_step_writes_its_table(tmp_path):
    out = tmp_path / 'train_step.json'
    options = f'--config {SMALL} --size 64 --groups 1 --repeats 1 --out {out}'
    options += ' --modes baseline exact'
    done = subprocess.run(
        [sys.executable, 'tools/benchmarks/train_step.py', *options.split()],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert '| baseline | ' in done.stdout
    record = json.loads(out.read_text())
    assert record['rows'].keys() == {'baseline', 'exact'}
    assert record['settings']['flops'] > 0
    assert record['environment']['torch'] == torch.__version__
