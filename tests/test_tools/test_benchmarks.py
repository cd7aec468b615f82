"""The benchmarks compare like with like, and run."""

import json
import subprocess
import sys

import pytest
import torch
from conftest import ROOT
from faces_case import needs_cascades
from mmengine import Config
from mmpretrain.structures import DataSample

sys.path.append(str(ROOT / 'tools/benchmarks'))
import run_all
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


def run_benchmark(name, out, *options):
    command = [sys.executable, f'tools/benchmarks/{name}.py', '--out', out, *options]
    done = subprocess.run(
        [str(word) for word in command], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    record = json.loads(out.read_text())
    assert record['environment']['torch'] == torch.__version__
    printed = done.stdout.replace(',', '')
    for row in record['rows']:
        assert f'| {row}'.replace(',', '') in printed
    return record


@pytest.mark.slow
def test_train_step(tmp_path):
    record = run_benchmark(
        *('train_step', tmp_path / 'out.json', '--config', SMALL, '--size', 64),
        *('--groups', 1, '--repeats', 1, '--modes', 'baseline', 'exact'),
    )
    assert record['rows'].keys() == {'baseline', 'exact'}
    assert record['settings']['flops'] > 0


@needs_cascades
@pytest.mark.slow
def test_inferencer(tmp_path):
    record = run_benchmark(
        *('inferencer', tmp_path / 'out.json', '--configs', SMALL),
        *('--pictures', 2, '--size', 320, '--repeats', 1),
    )
    assert record['settings']['faces'] > 0
    rows = list(record['rows'].values())
    assert rows[0]['ratio'] == 1
    assert rows[1]['ratio'] == rows[1]['ms_a_face'] / rows[0]['ms_a_face']


@pytest.mark.slow
def test_inference(tmp_path):
    record = run_benchmark(
        *('inference', tmp_path / 'out.json', '--config', SMALL, '--size', 64),
        *('--batch', 2, '--repeats', 1, '--modes', 'unfused', 'fused'),
    )
    row = record['rows']['fused']
    assert row['logit_difference'] < 1e-4 * record['settings']['largest_logit']


@pytest.mark.slow
def test_sampler(tmp_path):
    record = run_benchmark('sampler', tmp_path / 'out.json', '--sizes', 500, 2000)
    for row in record['rows'].values():
        assert row['index_bytes_an_image'] <= 16
        assert row['companions_us'] > 0


@pytest.mark.slow
def test_data_pipeline(tmp_path):
    config = ROOT / 'configs/qcs/qcs_ir50_ferplus.py'
    options = '--config', config, '--images', 28, '--repeats', 1
    record = run_benchmark('data_pipeline', tmp_path / 'out.json', *options)
    assert record['rows'].keys() == {'torchvision on Pillow', 'ours', 'cached'}
    assert all(row['images_a_second'] > 0 for row in record['rows'].values())


@pytest.mark.slow
def test_loss_curve(tmp_path):
    record = run_benchmark(
        *('loss_curve', tmp_path / 'out.json', '--iterations', 2, '--window', 1),
        *('--seeds', 2, '--groups', 2, '--modes', 'exact', 'bfloat16'),
    )
    exact, other = record['rows']['exact'], record['rows']['bfloat16']
    assert exact['distance_to_exact'] == 0
    assert 0 < other['distance_to_exact'] < exact['distance_between_exact_seeds']


def test_importing_the_package_imports_no_framework():
    code = (
        'import sys, mmqcs; '
        "print([m for m in ('torch', 'mmengine', 'cv2', 'numpy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True)
    assert done.stdout.strip() == '[]', done.stderr


def test_the_document_has_a_place_for_every_table():
    document = (ROOT / 'docs/benchmarks.md').read_text()
    for name in run_all.BENCHMARKS:
        new = run_all.insert(document, f'{name} on cpu', '| new |')
        assert new.count('| new |') == 1
        assert run_all.insert(new, f'{name} on cpu', '| new |') == new
        assert new.count('<!--') == document.count('<!--')
    with pytest.raises(ValueError, match='<!-- begin it on cpu -->'):
        run_all.insert(document, 'it on cpu', '')
