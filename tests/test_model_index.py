"""The models by name, from a clone and from an installed wheel."""

import shutil
import subprocess
import sys

import pytest
from conftest import ROOT
from modelindex.load_model_index import load

from mmqcs import model_index

FILES = [
    'LICENSE',
    'MANIFEST.in',
    'README.md',
    'model-index.yml',
    'setup.cfg',
    'setup.py',
]
FOLDERS = ('configs', 'mmqcs', 'tools')

INSTALLED = """
import mmpretrain
import mmqcs
from mmqcs.models import QCSClassifier
from mmqcs import register_model_index

from pathlib import Path

package = Path(mmqcs.__file__).parent
assert package == Path({target!r}, 'mmqcs'), package
for name in ('configs/qcs/qcs_ir50_raf.py', 'tools/train.py', 'model-index.yml'):
    path = package / '.mim' / name
    assert path.is_file() and not (package / '.mim').is_symlink(), path

assert not mmpretrain.list_models('qcs*')
register_model_index()
register_model_index()
assert {{'qcs_ir50_raf', 'qcs_resnet50_raf'}} <= set(mmpretrain.list_models('qcs*'))
for name in ('qcs_ir50_raf', 'qcs_ir-small_synthfer'):
    model = mmpretrain.get_model(name, pretrained=False)
    assert isinstance(model, QCSClassifier), name
    assert model._config.filename.startswith(str(package)), model._config.filename
    assert model._dataset_meta['classes'][0] == 'Surprise'
"""


def pip(*args: object) -> None:
    """Run pip without an index, and show its last words if it fails."""
    command = [sys.executable, '-m', 'pip', *map(str, args), '-q', '--no-deps']
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-2000:]


@pytest.fixture(scope='module')
def target(tmp_path_factory):
    """A folder into which a wheel of this tree is installed."""
    folder = tmp_path_factory.mktemp('wheel')
    # of a copy, because a build leaves files behind and takes those it finds
    source = folder / 'source'
    source.mkdir()
    for name in FILES:
        shutil.copy(ROOT / name, source)
    for name in FOLDERS:
        ignore = shutil.ignore_patterns('.mim', '__pycache__')
        shutil.copytree(ROOT / name, source / name, ignore=ignore)
    pip('wheel', source, '--no-build-isolation', '-w', folder)
    (wheel,) = folder.glob('mmqcs-*.whl')
    pip('install', wheel, '--no-index', '--target', folder / 'target')
    return folder / 'target'


@pytest.mark.slow
def test_an_installed_wheel_gives_models_by_name(target, tmp_path):
    script = INSTALLED.format(target=str(target))
    done = subprocess.run(
        [sys.executable, '-W', 'ignore', '-c', script],
        cwd=tmp_path,
        env={'PYTHONPATH': str(target), 'PATH': ''},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr[-2000:]


def test_every_config_is_in_the_index_under_its_name():
    index = load(str(ROOT / 'model-index.yml'))
    index.build_models_with_collections()
    listed = {model.name: model.config for model in index.models}
    # detectors are not for MMPretrain's get_model
    configs = [p for d in ('qcs', 'mix') for p in (ROOT / 'configs' / d).glob('*.py')]
    assert listed == {path.stem: str(path.relative_to(ROOT)) for path in configs}
    readmes = [collection.readme for collection in index.collections]
    assert len(readmes) == 2
    assert all((ROOT / readme).is_file() for readme in readmes)


def test_a_package_without_its_index_is_named(tmp_path):
    package = tmp_path / 'mmqcs'
    with pytest.raises(FileNotFoundError, match=r'model-index\.yml.*install'):
        model_index._index_folder(package)
    (tmp_path / 'model-index.yml').touch()
    assert model_index._index_folder(package) == tmp_path
    (package / '.mim').mkdir(parents=True)
    (package / '.mim' / 'model-index.yml').touch()
    assert model_index._index_folder(package) == package / '.mim'
