"""Detectors are optional: nothing else needs MMDetection."""

import subprocess
import sys

SCRIPT = """
import sys
import mmqcs.models
assert 'mmqcs.models.roi_heads.qcs_roi_head' not in sys.modules
from mmengine.registry import MODELS, DefaultScope
DefaultScope.get_instance('test', scope_name='mmengine')
for missing in ('mmdet.models', 'mmcv.ops'):
    sys.modules[missing] = None
    try:
        MODELS.build(dict(type='mmqcs.QCSRoIHead', cross={}))
    except ImportError as error:
        for part in ('pip install', 'make ops', missing.split('.')[0]):
            assert part in str(error), error
    else:
        raise SystemExit('no error')
"""


def test_what_is_missing_is_named():
    subprocess.run([sys.executable, '-W', 'ignore', '-c', SCRIPT], check=True)
