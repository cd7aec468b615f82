"""Small trees of images, and the log messages of the datasets."""

import logging
from pathlib import Path

import cv2
import numpy as np
import pytest

MODULES = (
    'affect_net',
    'base.coded_dataset',
    'base.fer_dataset',
    'fer2013',
    'ck_plus',
    'readers.folders',
    'readers.affect_net_index',
)


@pytest.fixture
def put():
    """Writes files: images (10 pixels wide, 8 high) by extension, else text."""

    def write(root, *names, text='', value=0):
        for name in names:
            path = Path(root) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if path.suffix.lower() in ('.jpg', '.png'):
                image = np.full((8, 10, 3), value, dtype=np.uint8)
                path.write_bytes(cv2.imencode('.png', image)[1].tobytes())
            else:
                path.write_bytes(text.encode())
        return root

    return write


@pytest.fixture
def log(monkeypatch):
    """The lines of the log: ``log.info`` and ``log.warnings``."""

    class Log:
        def __init__(self):
            self.info, self.warnings = [], []

        def __call__(self, text, logger=None, level=logging.INFO):
            assert logger == 'current'
            (self.warnings if level == logging.WARNING else self.info).append(text)

    log = Log()
    for module in MODULES:
        monkeypatch.setattr(f'mmqcs.datasets.{module}.print_log', log)
    return log


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """An empty folder for indices."""
    folder = tmp_path / 'cache'
    monkeypatch.setenv('MMQCS_CACHE_DIR', str(folder))
    return folder
