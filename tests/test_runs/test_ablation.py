import itertools
import statistics

import pytest
from conftest import ROOT
from mmengine.config import Config
from scipy.stats import ttest_rel

from mmqcs.runs.ablation import (
    mean_and_deviation,
    paired_difference,
    read_plan,
)

PLAN = """
seeds: [0, 3]
prepare:
  faces: tools/dataset_converters/synth_fer.py {out}/data --train 70
settings:
  faces: {data_root: '{out}/data', model.lr: 1}
  fast: {model.lr: 2}
methods:
  base:
    anchors: {config: base.py, epochs: 8}
    images: {config: base.py, epochs: 32}
  QCS, both:
    anchors: &qcs {config: qcs.py}
    images: *qcs
tables:
  - {title: Slow, settings: [faces], methods: [base, 'QCS, both']}
  - {title: Fast, settings: [faces, fast], methods: [base, 'QCS, both']}
  - {title: Base again, settings: [faces], budgets: [images], methods: [base]}
"""


@pytest.fixture
def read(tmp_path):
    def read_text(text):
        path = tmp_path / 'plan.yml'
        path.write_text(text)
        return read_plan(path, tmp_path / 'out')

    return read_text


def test_a_plan(read, tmp_path):
    plan = read(PLAN)
    assert plan.seeds == [0, 3]
    tool = 'tools/dataset_converters/synth_fer.py'
    assert plan.prepare == {'faces': [tool, f'{tmp_path}/out/data', '--train', '70']}
    slow, fast, again = plan.tables
    assert slow.reference == 'base'
    assert slow.budgets == ['anchors', 'images']
    base = slow.rows['base']['images']
    assert base.config == 'base.py'
    assert base.options == {
        'data_root': f'{tmp_path}/out/data',
        'model.lr': 1,
        'epochs': 32,
    }
    # later sets of settings take precedence
    assert fast.rows['base']['images'].options['model.lr'] == 2
    # equal trainings are one, in whatever table and column
    assert slow.rows['QCS, both']['anchors'] == slow.rows['QCS, both']['images']
    assert again.rows == {'base': {'images': base}}
    names = [cell.name for cell in plan.cells()]
    assert names == [
        'faces_base_anchors',
        'faces_base_images',
        'faces_qcs-both_anchors',
        'faces_fast_base_anchors',
        'faces_fast_base_images',
        'faces_fast_qcs-both_anchors',
    ]


@pytest.mark.parametrize(
    ('old', 'new', 'message'),
    [
        ('settings: [faces]', 'settings: [face]', "'face' is not defined"),
        ("[base, 'QCS, both']", '[bass]', "'bass' is not defined"),
        ('config: base.py, ', '', "'config' is not defined"),
        ('seeds: [0, 3]', '', "'seeds' is not defined"),
        ('[0, 3]', '[0, 0]', r'different numbers, got \[0, 0\]'),
        ('[0, 3]', '[]', r'different numbers, got \[\]'),
        ('[0, 3]', '[a]', "'a'"),
        ('methods:', 'methods', 'not a plan of an ablation'),
    ],
)
def test_wrong_plans(read, old, new, message):
    assert old in PLAN
    with pytest.raises(ValueError, match=message) as error:
        read(PLAN.replace(old, new))
    assert 'plan.yml' in str(error.value)


@pytest.mark.parametrize('path', sorted((ROOT / 'configs/ablation').glob('*.yml')))
def test_published_plans_fit_their_configs(path, monkeypatch):
    monkeypatch.chdir(ROOT)
    out = ROOT / 'work_dirs/nowhere'
    plan = read_plan(path, out)
    for command in plan.prepare.values():
        assert (ROOT / command[0]).is_file()
    shown = itertools.chain.from_iterable(table.rows for table in plan.tables)
    assert len(set(shown)) > 2
    batches, views = set(), []
    for cell in plan.cells():
        config = Config.fromfile(cell.config)
        config.merge_from_dict(cell.options)
        # a plan that renders faces needs no others, not even for the test at the end
        roots = [
            str(config[f'{split}_dataloader'].dataset.data_root)
            for split in ('train', 'val', 'test')
        ]
        assert len({root.startswith(str(out)) for root in roots}) == 1, cell.name
        if not cell.name.endswith('equal-images'):
            continue
        loader = config.train_dataloader
        group = {'Pair': 2, 'Quad': 4}
        name = loader.get('batch_sampler', {}).get('type', '')
        size = group.get(name.removeprefix('mmqcs.')[:4], 1)
        batches.add(loader.batch_size * size)
        share = 1 - loader.dataset.get('val_fraction', 0)
        views.append(config.train_cfg.max_epochs * size * share)
    # the same batches and as many images in all
    assert len(batches) <= 1
    assert not views or max(views) <= 1.02 * min(views)


def test_paired_differences_are_those_of_the_t_test():
    values = {0: 91.2, 1: 90.1, 2: 92.6, 5: 70.0}
    reference = {2: 91.9, 0: 90.0, 1: 90.3, 4: 60.0}
    found = paired_difference(values, reference)
    pairs = [(values[seed], reference[seed]) for seed in (0, 1, 2)]
    expected = ttest_rel(*zip(*pairs, strict=True)).confidence_interval(0.95)
    assert found.mean == pytest.approx(statistics.mean(a - b for a, b in pairs))
    assert found.interval == pytest.approx((expected.low, expected.high))
    assert not found.significant


def test_differences_without_an_interval():
    assert paired_difference({0: 1.0}, {1: 2.0}) is None
    single = paired_difference({0: 3.0, 1: 5.0}, {0: 1.0})
    assert single == (2.0, None)
    assert not single.significant
    assert paired_difference({0: 3.0, 1: 4.1}, {0: 1.0, 1: 2.0}).significant


def test_mean_and_deviation():
    assert mean_and_deviation([90.0]) == '90.00'
    assert mean_and_deviation([90.0, 92.0]) == '91.00 ± 1.41'
