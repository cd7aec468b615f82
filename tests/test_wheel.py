"""The package as a wheel installs it, in a folder of its own."""

import csv
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import cv2
import pytest
from conftest import ROOT
from doc_case import exports
from faces_case import scene

from mmqcs.checkpoints import DEFAULT_MODEL
from mmqcs.deployment import OnnxClassifier
from mmqcs.version import __version__

pytestmark = pytest.mark.slow

FILES = [
    'LICENSE',
    'MANIFEST.in',
    'README.md',
    'model-index.yml',
    'pyproject.toml',
    'setup.cfg',
    'setup.py',
]
LINK = r'(?<!!)\[[^]]*\]\(([^)]*)\)'
FOLDERS = ('configs', 'mmqcs', 'requirements', 'tools')

INSTALLED = """
import mmpretrain
import mmqcs
from mmqcs.models import QCSClassifier
from mmqcs import register_model_index

from pathlib import Path

package = Path(mmqcs.__file__).parent
assert package == Path({target!r}, 'mmqcs'), package
assert (package / 'py.typed').is_file()
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
def wheel(tmp_path_factory):
    """A wheel of this tree."""
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
    return wheel


@pytest.fixture(scope='module')
def target(wheel):
    """A folder into which the wheel is installed."""
    folder = wheel.parent / 'target'
    pip('install', wheel, '--no-index', '--target', folder)
    return folder


def test_the_wheel_can_be_published(wheel):
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (x for x in archive.namelist() if x.endswith('.dist-info/METADATA'))
        metadata = archive.read(name).decode()
    head, _, description = metadata.partition('\n\n')
    assert f'\nVersion: {__version__}\n' in head
    # as in requirements/mminstall.txt
    assert 'Requires-Dist: onedl-mmpretrain>=1.3.6; extra == "onedl"' in head
    # a package index does not resolve relative links
    images, pages = (re.findall(p, description) for p in (r'!\[.*?\]\((.*?)\)', LINK))
    assert len(images) == 2 and len(pages) > 20
    assert all(f'/raw/v{__version__}/docs/images/' in link for link in images)
    assert all(re.match('https?://|#', link) for link in pages)


@pytest.mark.parametrize('command', ['twine check --strict', 'check-wheel-contents'])
def test_the_wheel_passes_the_checks_of_others(wheel, command):
    program, *options = command.split()
    path = shutil.which(program, path=Path(sys.executable).parent)
    if path is None:
        pytest.skip(f'needs {program} (requirements/lint.txt)')
    done = subprocess.run(
        [path, *options, wheel], cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr


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


@pytest.fixture
def command(target, tmp_path):
    """Run the installed command in an empty folder without network."""

    def run(*args):
        return subprocess.run(
            [sys.executable, target / 'bin/mmqcs', *map(str, args)],
            cwd=tmp_path,
            env={
                'PYTHONPATH': str(target),
                'PATH': '',
                'HOME': str(tmp_path),
                'OMP_NUM_THREADS': '1',
                **dict.fromkeys(('http_proxy', 'https_proxy'), 'http://127.0.0.1:9'),
            },
            capture_output=True,
            text=True,
            timeout=300,
        )

    return run


def test_the_command_of_a_wheel(command, target, tmp_path):
    done = command('--version')
    assert done.stdout == f'mmqcs {__version__}\n', done.stderr
    weights = target / DEFAULT_MODEL.relative_to(ROOT)
    assert weights.read_bytes() == DEFAULT_MODEL.read_bytes()

    cv2.imwrite(str(tmp_path / 'a.png'), scene(0)[0])
    done = command('a.png', '--faces', 'none')
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith('a.png  face 1  ')
    assert done.stdout.count('\n') == 1
    with (tmp_path / 'work_dirs/infer/results.csv').open(newline='') as file:
        (row,) = csv.DictReader(file)
    assert f'  {row["name"]} ' in done.stdout

    # the configs of the recipes are found by their names
    done = command('test', 'qcs_ir-small_fer2013', weights)
    assert done.returncode == 1
    error = done.stderr.splitlines()[-1]
    assert error.startswith('mmqcs: the test cannot start: FER2013 not found')
    assert "'data/fer2013/'" in error
    done = command('train', 'qcs_ir50_rafdb')
    assert (done.returncode, done.stdout) == (2, '')
    assert "'qcs_ir50_rafdb'; did you mean qcs_ir50_raf " in done.stderr


def test_mim_finds_configs_and_tools(target, tmp_path):
    """``mim run``, ``train`` for two iterations, ``test`` and ``search``."""
    pytest.importorskip('mim', reason='needs requirements/mim.txt')
    recipe = 'qcs_ir-small_synthfer'

    def mim(*args):
        done = subprocess.run(
            [sys.executable, '-W', 'ignore', '-m', 'mim', *args],
            cwd=tmp_path,
            env={**os.environ, 'PYTHONPATH': str(target), 'OMP_NUM_THREADS': '1'},
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
        return done.stdout + done.stderr

    count = ('--train', '28', '--test', '14')
    printed = mim('run', 'mmqcs', 'synth_fer', 'data/synthfer', *count)
    assert f'{target}/mmqcs/.mim/tools/dataset_converters/synth_fer.py' in printed
    options = {
        'train_cfg.max_epochs': 1,
        'train_dataloader.batch_size': 14,
        'train_dataloader.num_workers': 0,
        'val_dataloader.num_workers': 0,
        'test_dataloader.num_workers': 0,
        'default_hooks.logger.interval': 1,
    }
    options = ('--cfg-options', *(f'{key}={value}' for key, value in options.items()))
    config = f'{recipe}.py'
    printed = mim('train', 'mmqcs', config, '--gpus', '0', '--work-dir', 'w', *options)
    assert f'{target}/mmqcs/.mim/configs/qcs/{config} instead' in printed
    assert 'Epoch(train) [1][2/2]' in printed
    weights = ('--checkpoint', 'w/epoch_1.pth')
    printed = mim('test', 'mmqcs', config, *weights, '--gpus', '0', *options)
    assert 'accuracy/top1' in printed
    assert 'training_data               raf-db' in mim(
        'search', 'mmqcs', '--config', 'qcs_ir50_raf'
    )


@pytest.mark.skipif(not exports(), reason="needs pip install 'mmqcs[export]'")
def test_the_export_of_a_wheel(command, tmp_path):
    done = command('export')
    assert done.returncode == 0, done.stderr
    assert 'checked on 16 rendered faces in batches of 1 and 16' in done.stdout
    path = tmp_path / f'work_dirs/export/{DEFAULT_MODEL.stem}.onnx'
    assert 'Happy' in OnnxClassifier(path).classes
