"""Imported by tests that need MMDetection; skips them where it is not there."""

from pathlib import Path

import pytest
import torch  # noqa: F401  # the operators link to its libraries

REASON = 'needs MMDetection and the operators of MMCV: run `make ops`'

pytest.importorskip('mmdet', reason=REASON)
pytest.importorskip('mmcv._ext', reason=REASON, exc_type=ImportError)

ROOT = Path(__file__).parents[1]
