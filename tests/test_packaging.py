"""Address, version and changelog of the published package."""

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
PLACEHOLDER = 'github.com/' + 'OWNER'  # not to be replaced here


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
    found = dict(texts())
    assert all(ADDRESS in found[name] for name in ('setup.cfg', 'CHANGELOG.md'))
    if PLACEHOLDER not in ADDRESS:
        assert not [name for name, text in found.items() if PLACEHOLDER in text]
    else:
        near = re.compile(rf'{PLACEHOLDER}/[\\w-]+')
        assert all(set(near.findall(x)) <= {ADDRESS[8:]} for x in found.values())


@pytest.mark.skipif(shutil.which('make') is None, reason='needs make')
def test_the_address_is_replaced_in_one_step(tmp_path):
    (tmp_path / '.github').mkdir()
    for name in ('Makefile', 'setup.cfg', '.github/CODEOWNERS'):
        shutil.copy(ROOT / name, tmp_path / name)
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
        owner = new.split('/')[-2]
        assert (tmp_path / '.github/CODEOWNERS').read_text().endswith(f'\n* @{owner}\n')


def test_the_citation_has_the_version_and_the_paper():
    text = read('CITATION.cff')
    assert f'\nversion: {__version__}\n' in text
    title = re.search(r'title     = \{\{QCS\}(.+)\},', read('README.md'))[1]
    assert f'QCS{title}' in re.sub(r'\s+', ' ', text)


@pytest.fixture
def check_tag(tmp_path):
    """Run .ci/check_tag in a copy that can be released."""
    for folder in ('.ci', 'mmqcs'):
        (tmp_path / folder).mkdir()
    shutil.copy(ROOT / '.ci/check_tag', tmp_path / '.ci')
    (tmp_path / 'setup.cfg').write_text('url = https://github.com/me/mmqcs\n')
    (tmp_path / 'mmqcs/version.py').write_text("__version__ = '1.2.0'\n")
    changes = '# Changelog\n\n## [1.2.0] - 2026-01-31\n\n### Added\n\n- This.\n\n'
    before = '## [1.1.0] - 2025-01-01\n\n- That.\n\n[1.1.0]: https://github.com\n'
    (tmp_path / 'CHANGELOG.md').write_text(changes + before)

    def run(*args):
        command = ['bash', tmp_path / '.ci/check_tag', *args]
        return subprocess.run(command, capture_output=True, text=True)

    return run


def test_a_tag_that_can_be_published(check_tag):
    assert check_tag('v1.2.0').returncode == 0
    assert check_tag('v1.2.0', '--notes').stdout.strip() == '### Added\n\n- This.'


@pytest.mark.parametrize(
    ('tag', 'file', 'text', 'message'),
    [
        ('v1.2.1', '', '', "'v1.2.1', but mmqcs/version.py has 1.2.0"),
        ('1.2.0', '', '', 'must be v1.2.0'),
        ('v1.2.0', 'setup.cfg', 'url = https://' + PLACEHOLDER, 'make address'),
        ('v1.2.0', 'CHANGELOG.md', '## [1.2.0] - unreleased\n', '[1.2.0] - DATE'),
    ],
)
def test_a_tag_that_cannot_be_published(check_tag, tmp_path, tag, file, text, message):
    if file:
        (tmp_path / file).write_text(text)
    done = check_tag(tag)
    assert done.returncode == 1
    assert done.stderr.startswith('mmqcs: ')
    assert message in done.stderr


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
