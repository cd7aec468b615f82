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
        for part in ('pip install', 'make ops'):
            assert part in str(error), error
        # where neither is there, the first to be missed is named
        reason = str(error).rpartition('(')[2]
        assert 'mmdet' in reason or 'mmcv' in reason, error
    else:
        raise SystemExit('no error')
"""


def test_what_is_missing_is_named():
    subprocess.run([sys.executable, '-W', 'ignore', '-c', SCRIPT], check=True)
