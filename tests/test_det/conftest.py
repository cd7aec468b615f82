"""What the tests of detectors share."""

import subprocess
import sys
from pathlib import Path

import pytest
from mmengine.registry import DefaultScope

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def mmdet_scope(mmpretrain_scope):
    """The default scope of the configs of detectors."""
    with DefaultScope.overwrite_default_scope('mmdet'):
        yield


@pytest.fixture(scope='session')
def scenes(tmp_path_factory):
    """Roots of small scenes by layout: 8 to train on, 4 to test."""
    roots = {}
    for layout in ('coco', 'widerface'):
        roots[layout] = tmp_path_factory.mktemp(layout)
        tool = ROOT / 'tools/dataset_converters/synth_fer_scenes.py'
        options = ['--layout', layout, '--train', '8', '--val', '4', '--workers', '1']
        command = [sys.executable, tool, roots[layout], *options, '--difficulty', '0']
        subprocess.run(command, check=True, capture_output=True)
    return roots
