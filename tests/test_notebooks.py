"""The notebooks in demo/ are clean, and run from the first cell to the last."""

import json
import os
import re
from pathlib import Path

import pytest
from conftest import ROOT
from test_docs.test_pages import problem

nbformat = pytest.importorskip('nbformat', reason="needs pip install 'mmqcs[tests]'")

NOTEBOOKS = sorted((ROOT / 'demo').glob('*.ipynb'))
NAMES = ['mix_into_a_config', 'name_expressions', 'train_on_your_folders']
MAX_BYTES = 12_000

each = pytest.mark.parametrize('path', NOTEBOOKS, ids=lambda path: path.stem)


def cells(path, kind):
    book = nbformat.read(path, as_version=4)
    return [cell for cell in book.cells if cell.cell_type == kind]


def test_there_are_three():
    assert [path.stem for path in NOTEBOOKS] == NAMES


@each
def test_clean_and_small(path):
    nbformat.validate(json.loads(path.read_text(encoding='utf-8')))
    assert path.stat().st_size <= MAX_BYTES
    for cell in cells(path, 'code'):
        assert cell.outputs == [], 'strip the outputs: jupyter nbconvert --clear-output'
        assert cell.execution_count is None


@each
def test_installs_on_colab_only(path):
    first, *others = cells(path, 'code')
    assert re.search(
        r"^if 'google\.colab' in sys\.modules:\n    %pip install .*mmqcs\[",
        first.source,
        re.M,
    )
    assert not any('pip install' in cell.source for cell in others)


@each
def test_links(path):
    text = '\n'.join(cell.source for cell in cells(path, 'markdown'))
    links = re.findall(r'\]\(([^)]+)\)', text)
    assert len(links) >= 2
    assert not {link: problem(path, link) for link in links if problem(path, link)}


@pytest.fixture
def executed(request, tmp_path, monkeypatch):
    """The text that the cells of a notebook print, and its folder."""
    nbclient = pytest.importorskip('nbclient')
    pytest.importorskip('ipykernel')
    monkeypatch.setenv('PYTHONPATH', os.pathsep.join([str(ROOT), *_more_paths()]))
    monkeypatch.setenv('IPYTHONDIR', str(tmp_path / 'ipython'))
    book = nbformat.read(ROOT / f'demo/{request.param}.ipynb', as_version=4)
    resources = {'metadata': {'path': str(tmp_path)}}
    nbclient.NotebookClient(
        book, timeout=300, kernel_name='python3', resources=resources
    ).execute()
    outputs = [x for cell in book.cells for x in cell.get('outputs', ())]
    text = ''.join(x.get('text', '') for x in outputs)
    images = [x for x in outputs if any('image/' in key for key in x.get('data', ()))]
    return text, images, tmp_path


def _more_paths():
    return filter(None, os.environ.get('PYTHONPATH', '').split(os.pathsep))


@pytest.mark.slow
@pytest.mark.parametrize('executed', ['name_expressions'], indirect=True)
def test_name_expressions(executed):
    text, images, folder = executed
    assert re.search(r'^[A-Z]\w+ \d+%, box \[', text, re.M)
    assert '20 frames, 2.0 seconds' in text
    assert re.search(r'^face 1: 2\.0 s, mostly [A-Z]', text, re.M)
    assert len(images) == 3
    assert (folder / 'timeline.png').is_file()


@pytest.mark.slow
@pytest.mark.parametrize('executed', ['train_on_your_folders'], indirect=True)
def test_train_on_your_folders(executed):
    text, images, folder = executed
    assert 'epoch 3: top-1 accuracy' in text
    assert re.search(r'^Anger +named [A-Z]\w+ \(\d+%\)', text, re.M)
    assert len(images) == 1
    assert (folder / 'work_dirs/mine/report.html').is_file()


@pytest.mark.slow
@pytest.mark.parametrize('executed', ['mix_into_a_config'], indirect=True)
def test_mix_into_a_config(executed):
    text, images, folder = executed
    assert 'ImageClassifier SAMOptimWrapper' in text
    assert 'QCSClassifier\n' in text
    assert len(images) == 1
    for name in ('sam', 'qcs'):
        assert Path(folder, 'work_dirs', name, 'epoch_1.pth').is_file()
