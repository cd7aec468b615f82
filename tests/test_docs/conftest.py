"""A folder in which all examples find what they name, and the built site."""

import subprocess
import sys

import cv2
import pytest
import small_run
import torch
from doc_case import ROOT, exports, has_detection
from faces_case import scene
from mmengine.config import Config
from mmengine.registry import DefaultScope
from mmengine.runner import Runner
from published_case import published_state, write_published

from mmqcs import registry
from mmqcs.checkpoints.publish import strip_checkpoint
from mmqcs.export.source import read_source
from mmqcs.registry import MODELS
from mmqcs.synth import CLASSES, SynthFERSettings, render

# the data sets of the pages, as layouts of drawn faces with so many classes
DATA = {
    'raf-db': ('rafdb', 7),
    'synthfer': ('rafdb', 7),
    'ferplus': ('ferplus', 8),
    'fer2013': ('fer2013-csv', 7),
    'affectnet': ('affectnet', 8),
    'caer-s': ('caer-s', 7),
    'ck-plus': ('ck-plus', 7),
    'expw': ('expw', 7),
    'jaffe': ('jaffe', 7),
    'kdef': ('kdef', 7),
}
DETECTOR = 'configs/det/retinanet_ir-small_synthfer.py'
CLASSIFIER = 'configs/qcs/qcs_ir-small_synthfer.py'
# pictures of single faces
FACES = {
    'face': 'Happiness',
    'other': 'Sadness',
    'anchor': 'Anger',
    'positive': 'Anger',
    'negative': 'Fear',
    'second': 'Fear',
}


@pytest.fixture(scope='session')
def filled_folder(tmp_path_factory, drawn_root, apart):
    """Data, pictures and checkpoints under the names that the pages use."""
    folder = tmp_path_factory.mktemp('docs')
    for name in ('configs', 'tools', 'setup.cfg'):
        (folder / name).symlink_to(ROOT / name)
    (folder / 'data').mkdir()
    for name, layout in DATA.items():
        (folder / 'data' / name).symlink_to(drawn_root(*layout))
    for name in ('holidays', 'data/scenes/val'):
        (folder / name).mkdir(parents=True)
    for name in ('group.png', 'photo.jpg', 'holidays/one.jpg'):
        cv2.imwrite(str(folder / name), scene(1)[0])
    writer = cv2.VideoWriter(
        str(folder / 'film.mp4'), cv2.VideoWriter.fourcc(*'mp4v'), 10, (320, 320)
    )
    for _ in range(3):
        writer.write(scene(1)[0])
    writer.release()
    for number, (name, expression) in enumerate(FACES.items()):
        face = render(SynthFERSettings(), 'test', number, CLASSES.index(expression))
        cv2.imwrite(str(folder / f'{name}.png'), face)
    (folder / 'work_dirs').mkdir()
    run = small_run.config(folder / 'work_dirs/run', log_level='ERROR')
    with apart(), DefaultScope.overwrite_default_scope('mmpretrain'):
        Runner.from_cfg(run).train()
    config = Config.fromfile(ROOT / CLASSIFIER)
    weights = MODELS.build(config.model).state_dict()
    meta = {'cfg': config.pretty_text}
    checkpoint = {'meta': meta, 'state_dict': weights}
    torch.save(checkpoint, folder / 'work_dirs/qcs.pth')
    torch.save(strip_checkpoint(checkpoint), folder / 'NAME-XXXXXXXX.pth')
    write_published(folder / 'PUBLISHED.pth', published_state())
    if has_detection():
        model = Config.fromfile(ROOT / DETECTOR).model
        weights = MODELS.build(dict(model, _scope_='mmdet')).state_dict()
        torch.save({'state_dict': weights}, folder / 'work_dirs/faces.pth')
    return folder


@pytest.fixture(scope='session')
def exported(filled_folder):
    """The classifier of the folder as qcs.onnx and qcs.pt2, which take faces."""
    if not exports():
        pytest.skip("needs pip install 'mmqcs[export]'")
    from mmqcs.export.onnx_file import export_onnx
    from mmqcs.export.torch_program import export_torch

    config = Config.fromfile(ROOT / CLASSIFIER)
    for loader in (config.train_dataloader, config.test_dataloader):
        loader.dataset.data_root = str(filled_folder / 'data/synthfer')
    weights = str(filled_folder / 'work_dirs/qcs.pth')
    source = read_source(config, weights, 'faces', 2)
    export_onnx(source, filled_folder / 'qcs.onnx')
    export_torch(source, filled_folder / 'qcs.pt2')


@pytest.fixture(scope='session')
def site(tmp_path_factory):
    """The built pages."""
    for package in ('furo', 'myst_parser'):
        pytest.importorskip(package, reason="needs pip install 'mmqcs[docs]'")
    out = tmp_path_factory.mktemp('site')
    command = ['-m', 'sphinx', '-q', '-W', '--keep-going', '-d', out / 'doctrees']
    done = subprocess.run(
        [sys.executable, *command, ROOT / 'docs', out / 'html'],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return out / 'html'


@pytest.fixture
def desk(filled_folder, monkeypatch):
    """The folder as the current one; what examples register is forgotten after them."""
    monkeypatch.chdir(filled_folder)
    monkeypatch.setenv('MMQCS_CACHE_DIR', str(filled_folder / 'cache'))
    yield filled_folder
    for table in (getattr(registry, name)._module_dict for name in registry.__all__):
        for name in [k for k, part in table.items() if part.__module__ == '__main__']:
            del table[name]
