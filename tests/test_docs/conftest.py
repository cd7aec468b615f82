"""A folder in which all examples find what they name."""

import cv2
import pytest
import torch
from doc_case import ROOT, has_detection
from faces_case import scene
from mmengine.config import Config
from published_case import published_state, write_published

from mmqcs import registry
from mmqcs.registry import MODELS
from mmqcs.utils.publish import strip_checkpoint

# the data sets of the pages, as layouts of drawn faces with so many classes
DATA = {
    'raf-db': ('rafdb', 7),
    'synthfer': ('rafdb', 7),
    'ferplus': ('ferplus', 8),
    'fer2013': ('fer2013-csv', 7),
    'affectnet': ('affectnet', 8),
    'caer-s': ('caer-s', 7),
    'ck-plus': ('ck-plus', 7),
}
DETECTOR = 'configs/det/retinanet_ir-small_synthfer.py'
CLASSIFIER = 'configs/qcs/qcs_ir-small_synthfer.py'


@pytest.fixture(scope='session')
def filled_folder(tmp_path_factory, drawn_root):
    """Data, pictures and checkpoints under the names that the pages use."""
    folder = tmp_path_factory.mktemp('docs')
    for name in ('configs', 'tools', 'setup.cfg'):
        (folder / name).symlink_to(ROOT / name)
    (folder / 'data').mkdir()
    for name, layout in DATA.items():
        (folder / 'data' / name).symlink_to(drawn_root(*layout))
    cv2.imwrite(str(folder / 'group.png'), scene(1)[0])
    writer = cv2.VideoWriter(
        str(folder / 'film.mp4'), cv2.VideoWriter.fourcc(*'mp4v'), 10, (320, 320)
    )
    for _ in range(3):
        writer.write(scene(1)[0])
    writer.release()
    (folder / 'work_dirs').mkdir()
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


@pytest.fixture
def desk(filled_folder, monkeypatch):
    """The folder as the current one; what examples register is forgotten after them."""
    monkeypatch.chdir(filled_folder)
    monkeypatch.setenv('MMQCS_CACHE_DIR', str(filled_folder / 'cache'))
    yield filled_folder
    for table in (getattr(registry, name)._module_dict for name in registry.__all__):
        for name in [k for k, part in table.items() if part.__module__ == '__main__']:
            del table[name]
