"""The parts are found from any config, without custom_imports."""

import subprocess
import sys

import pytest

PARTS = {
    'MODELS': [
        'IRNet',
        'LoRABackbone',
        'TokenPyramidNeck',
        'CSANeck',
        'TokenEncoder',
        'GatedClsHead',
        'BilinearFusionHead',
        'CrossBranch',
        'GroupLoss',
        'KLDistillLoss',
        'EuclideanDistillLoss',
        'LogitAdjustedLoss',
        'QCSClassifier',
        'QCSRoIHead',
        'DistilledClassifier',
        'FERDataPreprocessor',
    ],
    'DATASETS': [
        'RAFDB',
        'FERPlus',
        'FER2013',
        'AffectNet',
        'CAERS',
        'CKPlus',
        'ConcatDataset',
        'ExpW',
        'JAFFE',
        'KDEF',
        'SynthFER',
    ],
    'TRANSFORMS': ['CropFace'],
    'FUNCTIONS': ['collate_faces'],
    'DATA_SAMPLERS': ['QuadrupletBatchSampler', 'PairBatchSampler', 'BalancedSampler'],
    'OPTIM_WRAPPERS': ['SAMOptimWrapper', 'SAMAmpOptimWrapper', 'AutocastOptimWrapper'],
    'HOOKS': [
        'CheckpointHook',
        'ConfusionHook',
        'FiniteHook',
        'SAMHook',
        'FuseConvBNHook',
        'PreciseBNHook',
        'ReportHook',
        'RuntimeInfoHook',
        'SetupCheckHook',
    ],
    'LOG_PROCESSORS': ['QuietLogProcessor'],
    'METRICS': ['FERMetric'],
    'WEIGHT_INITIALIZERS': ['OptionalPretrained'],
}

SCRIPT = """
import sys
from mmengine import registry
from mmengine.registry import DefaultScope
DefaultScope.get_instance('test', scope_name={scope!r})
assert 'mmqcs' not in sys.modules
for name, parts in {parts!r}.items():
    for part in parts:
        found = getattr(registry, name).get('mmqcs.' + part)
        assert found is not None and found.__module__.startswith('mmqcs.'), part
"""


@pytest.mark.parametrize('scope', ['mmengine', 'mmpretrain'])
def test_parts_are_found_by_name_alone(scope):
    script = SCRIPT.format(scope=scope, parts=PARTS)
    subprocess.run([sys.executable, '-W', 'ignore', '-c', script], check=True)


def test_import_is_light():
    """`import mmqcs` must not drag in torch or any registered part."""
    script = (
        'import sys, mmqcs\n'
        'assert not {"torch", "mmengine", "mmqcs.models"} & set(sys.modules)'
    )
    subprocess.run([sys.executable, '-c', script], check=True)


def test_register_all_modules():
    script = (
        'from mmqcs import register_all_modules\n'
        'from mmengine.registry import MODELS, DefaultScope\n'
        'register_all_modules()\n'
        'assert DefaultScope.get_current_instance().scope_name == "mmpretrain"\n'
        'assert "IRNet" in MODELS._search_child("mmqcs")'
    )
    subprocess.run([sys.executable, '-W', 'ignore', '-c', script], check=True)


def without(*missing):
    """Versions of packages, as if some were not installed."""
    from importlib.metadata import PackageNotFoundError

    def version(name):
        if any(part in name for part in missing):
            raise PackageNotFoundError(name)
        return '99'

    return version


def test_a_missing_platform_is_named(monkeypatch):
    from mmqcs import platform_check

    monkeypatch.setattr(platform_check, 'version', without('mm'))
    with pytest.raises(ImportError, match=r'needs mmengine, mmcv.*mmqcs\[onedl\]'):
        platform_check.check_platform()
    platform_check.check_platform(needed=False)  # a deployment has none of them


def test_a_part_of_the_platform_is_not_enough(monkeypatch):
    from mmqcs import platform_check

    monkeypatch.setattr(platform_check, 'version', without('mmcv'))
    for needed in (True, False):
        with pytest.raises(ImportError, match=r'^mmqcs needs mmcv\. '):
            platform_check.check_platform(needed)


def test_an_old_platform_warns(monkeypatch):
    from mmqcs import platform_check

    monkeypatch.setattr(platform_check, 'version', lambda name: '0.1')
    with pytest.warns(UserWarning, match=r'mmengine 0.1 \(needs ≥ 0.10.7\)'):
        platform_check.check_platform()
