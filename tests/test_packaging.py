"""What the outside sees of the repository: address, version, changelog."""

import configparser
import re
import shutil
import subprocess

import pytest
from conftest import ROOT

from mmqcs.version import __version__

SETUP = configparser.ConfigParser()
SETUP.read(ROOT / 'setup.cfg')
ADDRESS = SETUP['metadata']['url']


def read(name):
    return (ROOT / name).read_text(encoding='utf-8')


def texts():
    """Text files of the repository, by their names."""
    command = ['git', 'ls-files', '-z', '--cached', '--others', '--exclude-standard']
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
    for name in listed.stdout.decode().split('\0'):
        path = ROOT / name
        if not path.is_file() or path.suffix in ('.jpg', '.npz', '.png', '.pth'):
            continue
        yield name, path.read_text(encoding='utf-8')


@pytest.mark.skipif(not (ROOT / '.git').exists(), reason='needs a clone')
def test_the_address_of_the_repository_is_the_same_everywhere():
    placeholder = 'github.com/' + 'OWNER'
    found = dict(texts())
    assert all(ADDRESS in found[name] for name in ('setup.cfg', 'CHANGELOG.md'))
    if placeholder not in ADDRESS:
        assert not [name for name, text in found.items() if placeholder in text]
    else:
        near = re.compile(rf'{placeholder}/[\\w-]+')
        assert all(set(near.findall(x)) <= {ADDRESS[8:]} for x in found.values())


@pytest.mark.skipif(shutil.which('make') is None, reason='needs make')
def test_the_address_is_replaced_in_one_step(tmp_path):
    for name in ('Makefile', 'setup.cfg'):
        shutil.copy(ROOT / name, tmp_path)
    (tmp_path / 'a.md').write_text(f'[a]({ADDRESS}), {ADDRESS}-other, {ADDRESS}/b')
    subprocess.run(['git', 'init', '-q', tmp_path], check=True)
    subprocess.run(['git', '-C', tmp_path, 'add', '.'], check=True)

    def make(new):
        command = ['make', '-C', tmp_path, 'address', f'ADDRESS={new}']
        return subprocess.run(command, capture_output=True, text=True)

    failed = make('')
    assert failed.returncode != 0
    assert 'make address ADDRESS=https://' in failed.stderr
    for new in ('https://example.org/me/mmqcs', 'https://example.org/us/mmqcs'):
        assert make(new).returncode == 0
        text = (tmp_path / 'a.md').read_text()
        assert text == f'[a]({new}), {ADDRESS}-other, {new}/b'
        assert f'\nurl = {new}\n' in (tmp_path / 'setup.cfg').read_text()


def test_the_changelog_keeps_its_form():
    """Versions with a date, newest first, then kinds of changes."""
    text = read('CHANGELOG.md')
    versions = re.findall(r'^## (.+)$', text, re.M)
    for title in versions:
        assert re.fullmatch(r'\[[\d.]+\] - (\d{4}-\d\d-\d\d|unreleased)', title)
    assert versions[0].startswith(f'[{__version__}] ')
    assert not any(title.endswith('unreleased') for title in versions[1:])
    kinds = {'Added', 'Changed', 'Deprecated', 'Removed', 'Fixed', 'Security'}
    assert set(re.findall(r'^### (.+)$', text, re.M)) <= kinds
    for title in versions:
        number = title.partition(']')[0]
        assert f'\n{number}]: {ADDRESS}/' in text
