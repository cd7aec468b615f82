"""tools/analysis_tools/cross_dataset.py: checkpoints × datasets."""

import json

import cv2
import pytest
import torch
from tool_helpers import load_tool

from mmqcs.apis import FaceClassifier
from mmqcs.checkpoints import DEFAULT_MODEL
from mmqcs.datasets import KDEF, RAFDB
from mmqcs.functional.bootstrap import accuracies

TOOL = 'analysis_tools/cross_dataset.py'
tool = load_tool('analysis_tools/cross_dataset')


@pytest.fixture
def data(drawn_root, tmp_path):
    """Datasets in several layouts, and folders that are none."""
    root = tmp_path / 'data'
    (root / 'holiday').mkdir(parents=True)
    for folder, layout, classes in (
        ('RAF-DB', 'rafdb', 7),
        ('ferplus', 'ferplus', 8),
        ('fer2013', 'fer2013-csv', 7),
        ('kdef', 'kdef', 7),
        ('my faces', 'rafdb', 7),
    ):
        (root / folder).symlink_to(drawn_root(layout, classes))
    return root


@pytest.fixture
def cells(run, data, tmp_path):
    def cells(*checkpoints, **options):
        options = {'data': data, 'out': 'out', 'workers': 0} | options
        arguments = [x for k, v in options.items() for x in (f'--{k}', v)]
        done = run(TOOL, *checkpoints, *arguments, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        text = (tmp_path / 'out/cross_dataset.md').read_text()
        assert text in done.stdout
        content = json.loads((tmp_path / 'out/cross_dataset.json').read_text())
        assert content['data'] == str(data)
        assert content['not_there'] == ['CAER-S', 'JAFFE', 'AffectNet', 'CK+', 'ExpW']
        rows = content['checkpoints']
        return text, {k: {c['folder']: c for c in v} for k, v in rows.items()}

    return cells


def renamed(path, dataset_name):
    """The network of the package, as if it had been trained on another dataset."""
    checkpoint = torch.load(DEFAULT_MODEL, weights_only=True)
    checkpoint['meta']['dataset_meta']['dataset_name'] = dataset_name
    torch.save(checkpoint, path)
    return str(path)


@pytest.mark.slow
def test_checkpoints_on_all_datasets(cells, data, trained, tmp_path):
    few = str(trained / 'epoch_1.pth')  # Surprise, Fear and Disgust
    own = renamed(tmp_path / 'own.pth', 'RAF-DB + KDEF')
    text, rows = cells(few, DEFAULT_MODEL, own, **{'as': 'my faces=raf-db'})
    assert list(rows) == [few, str(DEFAULT_MODEL), own]
    folders = ['RAF-DB', 'fer2013', 'ferplus', 'kdef', 'my faces']
    assert all(list(row) == folders for row in rows.values())
    assert '- Folders that are not named like a dataset: holiday.' in text

    plain = rows[str(DEFAULT_MODEL)]
    images = {'RAF-DB': 14, 'fer2013': 14, 'ferplus': 14, 'kdef': 42, 'my faces': 14}
    assert {folder: cell['images'] for folder, cell in plain.items()} == images
    assert [cell['split'] for cell in plain.values()] == [*['test'] * 3, 'all', 'test']
    assert [cell['layout'] for cell in plain.values()] == [
        *('official', 'csv', 'fer2013new.csv', 'names', 'official')
    ]
    assert plain['ferplus']['left_out'] == {'Contempt': 2}
    assert plain['fer2013']['trained_on']
    assert not plain['RAF-DB']['trained_on']
    assert plain['RAF-DB']['metrics'] == plain['my faces']['metrics']
    assert_metrics(plain['RAF-DB'], RAFDB(str(data / 'RAF-DB'), split='test'))

    left = rows[few]['ferplus']
    assert left['classes'] == ['Surprise', 'Fear', 'Disgust']
    assert left['images'] == 6
    assert sum(left['left_out'].values()) == 10
    assert set(left['left_out']) == {
        *('Neutral', 'Happiness', 'Sadness', 'Anger', 'Contempt')
    }

    # the folds of its training are not known
    assert 'metrics' not in rows[own]['kdef']
    assert 'other folds' in rows[own]['kdef']['reason']
    assert rows[own]['RAF-DB']['trained_on']
    assert not rows[own]['my faces']['trained_on']
    line = next(x for x in text.splitlines() if x.startswith(f'| {own}'))
    assert [' *' in cell for cell in line.split(' |')[1:6]] == [True, *[False] * 4]
    assert line.split(' | ')[4].strip() == '\N{EN DASH}'


def assert_metrics(cell, dataset):
    """The metrics are those of the images, classified one after the other."""
    classify = FaceClassifier(device='cpu')
    matrix = torch.zeros(7, 7, dtype=int).numpy()
    order = [classify.classes.index(name) for name in ordered(dataset.CLASSES)]
    for i in range(len(dataset)):
        info = dataset.get_data_info(i)
        (scores,) = classify([cv2.imread(info['img_path'])])
        matrix[order[info['gt_label']], scores.argmax()] += 1
    assert cell['metrics']['confusion_matrix/result'] == matrix.tolist()
    for name, value in zip(('top1', 'mean_class'), accuracies(matrix), strict=True):
        metrics = cell['metrics']
        assert metrics[f'accuracy/{name}'] == pytest.approx(value)
        low, high = (metrics[f'accuracy/{name}_{end}'] for end in ('low', 'high'))
        assert low <= value <= high
        assert low < high


def ordered(names):
    """Names of RAF-DB as FER2013 spells them."""
    return [
        {'Happiness': 'Happy', 'Sadness': 'Sad', 'Anger': 'Angry'}.get(x, x)
        for x in names
    ]


def test_a_class_without_images_is_named(drawn_root, data, tmp_path):
    root = str(data / 'kdef')
    dataset = KDEF(root, split='all', label_order=('Contempt', 'Happy', 'Fear'))
    others = ('Anger', 'Disgust', 'Neutral', 'Sad', 'Surprise')
    assert dataset.left_out == dict.fromkeys(others, 6)
    loaded = tool.load(str(DEFAULT_MODEL), arguments())
    loaded = type(loaded)(**{**vars(loaded), 'classes': ('Contempt', 'Happy', 'Fear')})
    found = tool.Found(data / 'kdef', KDEF, own_name=True)
    _, cell = tool.build(loaded, found)
    assert cell['classes_without_images'] == ['Contempt']
    assert cell['classes'] == ['Happy', 'Fear']
    assert cell['images'] == 12
    cell |= {'metrics': dict.fromkeys(metric_names(), 1.0)}
    assert '| 12     | Contempt ' in tool.report({'a.pth': [cell]}, [])


def metric_names():
    return [f'accuracy/{n}{e}' for n in tool.NAMES for e in ('', '_low', '_high')]


def arguments():
    return type('Arguments', (), {'trust_checkpoint': False, 'device': 'cpu'})


@pytest.mark.parametrize(
    ('given', 'error'),
    [
        (['--data', 'nowhere'], '--data nowhere is not a folder'),
        (['--only', 'sfew'], 'data/sfew is not a folder'),
        (['--only', 'holiday'], '--only holiday names none of the datasets'),
        (['--as', 'holiday=lfw'], '--as holiday=lfw names none of the datasets CAER-S'),
        (['--data', 'data/holiday'], 'is named like a dataset (caers, fer2013'),
        (
            ['--as', 'holiday=caer-s', '--only', 'holiday'],
            'data/holiday cannot be used, so nothing was',
        ),
    ],
)
def test_data_that_cannot_be_used(data, tmp_path, monkeypatch, call, given, error):
    monkeypatch.chdir(tmp_path)
    call(tool, DEFAULT_MODEL, *given, error=error)
    assert not (tmp_path / 'work_dirs').exists()


def test_checkpoints_that_cannot_be_used(data, tmp_path, monkeypatch, call):
    monkeypatch.chdir(tmp_path)
    call(tool, 'missing.pth', error='missing.pth')
    call(tool, DEFAULT_MODEL, DEFAULT_MODEL, error='a checkpoint is given twice')
    torch.save({'state_dict': {'a': torch.ones(1)}}, 'bare.pth')
    call(tool, 'bare.pth', error='bare.pth holds no config')
