"""The benchmarks compare like with like, and run."""

import functools
import json
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from conftest import ROOT
from mmengine import Config
from mmengine.logging import MMLogger

sys.path.append(str(ROOT / 'tools/benchmarks'))
import data_pipeline
import inference
import inferencer
import loss_curve
import measure
import run_all
import sampler
import train_loop
import train_step
from baseline import ParameterwiseSAM, branch_by_branch_loss

from mmqcs.engine import SAMOptimWrapper
from mmqcs.registry import MODELS
from mmqcs.structures import LabelBatch

SMALL = ROOT / 'configs/qcs/qcs_ir-small_synthfer.py'


@pytest.fixture
def bench(monkeypatch, capsys, tmp_path):
    """Runs a benchmark in this process and returns its record."""
    MMLogger.get_instance('benchmarks')  # they change the level of the current logger
    monkeypatch.chdir(ROOT)
    for module in (measure, train_loop):
        # processes would take longer to start than these measurements
        monkeypatch.setattr(
            module, 'ProcessPoolExecutor', lambda n, mp_context: ThreadPoolExecutor(n)
        )
    monkeypatch.setattr(train_step, 'peak_flops', lambda dtype: 1e12)
    for module in (train_step, inference, inferencer, train_loop):
        # it would hold for the tests that follow
        monkeypatch.setattr(module, 'keep_freed_memory', lambda: None)

    def run(module, *options):
        out = tmp_path / 'out.json'
        command = [module.__name__, '--out', out, *options]
        monkeypatch.setattr(sys, 'argv', [str(word) for word in command])
        module.main()
        record = json.loads(out.read_text())
        assert record['environment']['torch'] == torch.__version__
        printed = capsys.readouterr().out.replace(',', '')
        for row in record['rows']:
            assert f'| {row}'.replace(',', '') in printed
        return record

    return run


def small_model(**changes):
    torch.manual_seed(0)
    model = MODELS.build(dict(Config.fromfile(SMALL).model, **changes))
    model.init_weights()
    return model.double().train()


def test_the_baseline_iteration_is_ours():
    ours, theirs = small_model(), small_model(statistics='joint')
    theirs.load_state_dict(ours.state_dict())
    theirs.cross.encoder.out_type = 'raw'
    images = torch.randn(8, 3, 64, 64, dtype=torch.double)
    labels = torch.tensor([0, 1, 0, 1, 2, 3, 2, 3])
    samples = LabelBatch(labels)
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


def test_train_step(bench):
    record = bench(
        *(train_step, '--config', SMALL, '--size', 64, '--groups', 1),
        *('--repeats', 1, '--warmup', 1, '--modes', 'baseline', 'exact', 'bfloat16'),
    )
    rows, flops = record['rows'], record['settings']['flops']
    assert rows.keys() == {'baseline', 'exact', 'bfloat16'}
    assert rows['exact']['operations'] < rows['baseline']['operations'] / 2
    for row in rows.values():
        assert row['of_peak'] == pytest.approx(flops / row['seconds'] / 1e12)
        assert row['syncs'] is None


def test_train_loop(bench):
    record = bench(
        *(train_loop, '--images', 28, '--dataset', 70, '--workers', 0),
        *('--iterations', 3, '--skip', 1, '--modes', 'ImageClassifier', 'QCS'),
    )
    base, qcs = record['rows'].values()
    assert base['parameters'] < qcs['parameters']
    for row in (base, qcs):
        assert 0 < row['ms_waiting_for_data'] < row['ms_per_iteration']


def test_inferencer(bench):
    options = '--configs', SMALL, '--images', 2, '--size', 320, '--repeats', 1
    record = bench(inferencer, *options)
    assert record['settings']['faces'] > 0
    rows = list(record['rows'].values())
    assert rows[0]['ratio'] == 1
    ratio = rows[1]['ms_per_face'] / rows[0]['ms_per_face']
    assert rows[1]['ratio'] == pytest.approx(ratio)


def test_inference(bench):
    record = bench(
        *(inference, '--config', SMALL, '--size', 64, '--batch', 2, '--repeats', 1),
        *('--modes', 'unfused', 'fused', 'fused, bfloat16'),
    )
    largest = record['settings']['largest_logit']
    found = [row['logit_difference'] for row in record['rows'].values()]
    assert found[0] == 0
    assert 0 < found[1] < 1e-4 * largest < found[2] < largest


@pytest.mark.slow
def test_sampler(bench):
    record = bench(sampler, '--sizes', 2000)
    for row in record['rows'].values():
        assert row['index_bytes_per_image'] <= 16
        assert row['companions_us'] > 0


@pytest.mark.slow
def test_data_pipeline(bench):
    config = ROOT / 'configs/qcs/qcs_ir50_ferplus.py'
    options = '--config', config, '--images', 28, '--repeats', 1
    record = bench(data_pipeline, *options)
    assert record['rows'].keys() == {'torchvision on Pillow', 'ours', 'cached'}
    assert all(row['images_per_second'] > 0 for row in record['rows'].values())


def test_loss_curve(bench):
    record = bench(
        *(loss_curve, '--iterations', 2, '--window', 1),
        *('--seeds', 2, '--groups', 2, '--modes', 'exact', 'bfloat16'),
    )
    exact, other = record['rows']['exact'], record['rows']['bfloat16']
    assert exact['distance_to_exact'] == 0
    assert 0 < other['distance_to_exact'] < exact['distance_between_exact_seeds']


@pytest.mark.slow
def test_steps_run_in_processes():
    step = {'short': functools.partial}
    timing = measure.alternate(step, (time.sleep, 0.02), 2, iterations=3)['short']
    assert 0.02 < timing['fastest'] <= timing['seconds'] <= timing['slowest']
    assert timing['warmup_seconds'] > 0.04
    with pytest.raises(TypeError):
        measure.alternate({'broken': str}, (time.sleep, 0.02), repeats=1)


def test_the_peak_is_that_of_a_product():
    start = time.perf_counter()
    rate = measure.peak_flops(torch.float32, side=512)
    assert rate > 2 * 512**3 / (time.perf_counter() - start)


def test_operations_are_counted():
    a = torch.ones(2, 2)
    assert measure.count_operations(lambda: (a + a) * a) == 2
    assert measure.count_flops(lambda: a @ a) == 16


def test_importing_the_package_imports_no_framework():
    code = (
        'import sys, mmqcs; '
        "print([m for m in ('torch', 'mmengine', 'cv2', 'numpy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True)
    assert done.stdout.strip() == '[]', done.stderr


def test_the_document_has_a_place_for_every_table():
    document = (ROOT / 'docs/benchmarks.md').read_text()
    places = [
        f'{name} on {device}'
        for device, names in run_all.OPTIONS.items()
        for name in names
    ]
    for place in places:
        new = run_all.insert(document, place, '| new |')
        assert new.count('| new |') == 1
        assert run_all.insert(new, place, '| new |') == new
        assert new.count('<!--') == document.count('<!--')
    with pytest.raises(ValueError, match='<!-- begin it on cpu -->'):
        run_all.insert(document, 'it on cpu', '')


def test_one_pass_goes_on_after_a_failure(tmp_path, monkeypatch, capsys):
    """The table of the benchmark that ran is written, and the other one is named."""
    for name, line in (('sampler', 'raise SystemExit(3)'), ('inference', '')):
        (tmp_path / f'{name}.py').write_text(
            'import sys\n'
            'record = \'{"environment": {"device": 1, "python": 2, '
            '"torch": 3, "opencv": 4}}\'\n'
            f'{line}\n'
            "open(sys.argv[2], 'w').write(record)\n"
            "print('warning\\n| a |\\n| - |\\na note')\n"
        )
    document = tmp_path / 'document.md'
    document.write_text(
        '<!-- begin inference on cpu -->\n<!-- end inference on cpu -->\n'
    )
    monkeypatch.setattr(run_all, 'HERE', tmp_path)
    command = ['run_all', '--device', 'cpu', '--only', 'sampler', 'inference']
    command += ['--document', str(document), '--out', str(tmp_path / 'records')]
    monkeypatch.setattr(sys, 'argv', command)
    with pytest.raises(SystemExit) as stop:
        run_all.main()
    assert stop.value.code == 1
    error = capsys.readouterr().err
    assert 'sampler.py (3)' in error and 'inference.py' not in error
    assert '\n\n| a |\n| - |\n\na note\n<!-- end' in document.read_text()
    record = json.loads((tmp_path / 'records/cpu.json').read_text())
    statuses = {name: x['status'] for name, x in record['benchmarks'].items()}
    assert statuses == {'sampler': 3, 'inference': 0}
