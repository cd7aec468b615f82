"""The command ``mmqcs``: help, choice of the subcommand, errors, results."""

import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import cv2
import pytest
from conftest import ROOT
from faces_case import scene

from mmqcs import __main__ as command
from mmqcs import platform_check
from mmqcs.version import __version__


def run(*args, cwd, start=(sys.executable, '-m', 'mmqcs'), **env):
    """Run the command as a user does, in the tree under test."""
    env = {**os.environ, 'PYTHONPATH': str(ROOT), 'OMP_NUM_THREADS': '1', **env}
    words = [*map(str, (*start, *args))]
    return subprocess.run(words, cwd=cwd, env=env, capture_output=True, text=True)


@pytest.fixture
def call(monkeypatch, capsys):
    """Run the command in this process: status, stdout, stderr."""

    def run_main(*args):
        monkeypatch.setattr(sys, 'argv', ['/bin/mmqcs', *map(str, args)])
        status = command.main()
        return status, *capsys.readouterr()

    return run_main


@pytest.fixture
def started(monkeypatch):
    """Note which module is started, and with which command line."""
    found = []

    def import_module(name):
        return SimpleNamespace(main=lambda: found.append((name, *sys.argv)))

    monkeypatch.setattr(command, 'import_module', import_module)
    return found


@pytest.mark.parametrize('option', ['-h', '--help'])
def test_help_fits_on_a_screen(call, option):
    status, out, err = call(option)
    assert (status, err) == (0, '')
    lines = out.splitlines()
    assert len(lines) <= 23  # and the prompt
    assert max(map(len, lines)) <= 80
    for name in command.COMMANDS:
        assert f'\n  {name} ' in out
        assert f'\n           mmqcs {name}' in out


def test_help_and_version_import_no_large_package():
    script = (
        'import sys; from mmqcs.__main__ import main; main(); '
        'print(*sys.modules, file=sys.stderr)'
    )
    for option in ('--help', '--version'):
        done = run('-c', script, option, cwd=ROOT, start=(sys.executable,))
        assert done.returncode == 0, done.stderr
        assert not {'torch', 'mmengine', 'cv2', 'numpy'} & set(done.stderr.split())


def test_version(call):
    assert call('--version') == (0, f'mmqcs {__version__}\n', '')


def test_without_arguments_the_help_is_an_error(call):
    assert call() == (2, '', command.HELP)


def test_every_subcommand_is_a_program():
    for module in command.COMMANDS.values():
        path = ROOT / f'{module.replace(".", "/")}.py'
        assert '\ndef main() -> ' in path.read_text()


def test_what_is_started(call, started, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ('photo.jpg', 'train'):
        Path(name).touch()
    Path('broken.png').symlink_to('missing')
    infer = 'mmqcs.commands.infer', 'mmqcs infer'
    cases = {
        ('photo.jpg', '--every', '2'): (*infer, 'photo.jpg', '--every', '2'),
        ('.', 'train'): (*infer, '.', 'train'),
        ('broken.png',): (*infer, 'broken.png'),
        ('*.jpg',): (*infer, '*.jpg'),
        ('https://example.org/a.jpg',): (*infer, 'https://example.org/a.jpg'),
        ('--camera', '0'): (*infer, '--camera', '0'),
        # a subcommand takes precedence over a file of its name
        ('train', 'c.py'): ('mmqcs.commands.train', 'mmqcs train', 'c.py'),
        ('./train',): (*infer, './train'),
        ('infer', 'train'): (*infer, 'train'),
        ('demo',): ('mmqcs.demo.__main__', 'mmqcs demo'),
    }
    for words, expected in cases.items():
        call(*words)
        assert started.pop() == expected
    assert not started


@pytest.mark.parametrize(
    ('word', 'message'),
    [
        ('tarin', "no file or subcommand 'tarin'; did you mean train?"),
        ('Demo', "no file or subcommand 'Demo'; did you mean demo?"),
        ('no.jpg', "no file or subcommand 'no.jpg'; see mmqcs --help"),
        ('a\n\udcff', r"no file or subcommand 'a\n\udcff'; see mmqcs --help"),
    ],
)
def test_an_unknown_word(call, started, word, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert call(word, 'more') == (2, '', f'mmqcs: {message}\n')
    assert not started


def test_without_openmmlab(call, started, tmp_path, monkeypatch):
    monkeypatch.setattr(platform_check, '_first_version', lambda names: None)
    status, out, err = call(tmp_path)
    assert (status, out) == (2, '')
    assert err.startswith('mmqcs: mmqcs needs mmengine, mmcv, mmpretrain. ')
    assert "pip install 'mmqcs[onedl]'" in err
    assert err.count('\n') == 1
    assert not started
    assert call('--help')[0] == 0


def test_programs_name_themselves_as_they_are_called(call, monkeypatch, capsys):
    with pytest.raises(SystemExit):
        call('test', '--help')
    assert capsys.readouterr().out.startswith('usage: mmqcs test ')
    with pytest.raises(SystemExit):
        call('train', 'c.py', '--no-such-option')
    assert capsys.readouterr().err.endswith('(see mmqcs train --help)\n')
    monkeypatch.setattr(sys, 'argv', ['tools/train.py', '--help'])
    with pytest.raises(SystemExit):
        command.import_module('mmqcs.commands.train').main()
    assert capsys.readouterr().out.startswith('usage: tools/train.py ')


@pytest.mark.slow
def test_the_same_results_as_the_tool(tmp_path):
    cv2.imwrite(str(tmp_path / 'a.png'), scene(0)[0])
    tool = sys.executable, ROOT / 'tools/infer.py'
    for number, words in enumerate(({}, {'start': tool}), 1):
        done = run('a.png', '--faces', 'none', cwd=tmp_path, **words)
        assert done.returncode == 0, done.stderr
        line = done.stdout.splitlines()[-1]
        assert line.startswith('a.png  face 1  ')
        assert line.endswith(' %  (at 0,0 size 320x320)')
        # a folder with results is not written to again
        folder = 'work_dirs/infer' + ('' if number == 1 else f'_{number}')
        assert f'written to {folder}\n' in done.stderr
        if number == 1:
            assert done.stdout.count('\n') == 1
    files = ['results.csv', 'results.jsonl', 'pictures/a.png']
    first, second = tmp_path / 'work_dirs/infer', tmp_path / 'work_dirs/infer_2'
    for name in files:
        assert (first / name).read_bytes() == (second / name).read_bytes()
    (face,) = json.loads((first / 'results.jsonl').read_text())['faces']
    assert f'face 1  {face["name"]} ' in line
