"""Links lead somewhere, and the pages name what there is."""

import configparser
import re
from urllib.parse import urlsplit

import pytest
import yaml
from doc_case import ROOT, anchors, documents, links, name, registered
from mmengine.config import Config

from mmqcs.datasets.base.fer_dataset import FERDataset

README = (ROOT / 'README.md').read_text(encoding='utf-8')
PARTS = (ROOT / 'docs/parts.md').read_text(encoding='utf-8')


def problem(page, target):
    """What is wrong with a link, or None."""
    try:
        url = urlsplit(target)
    except ValueError as error:
        return str(error)
    if url.scheme:
        whole = url.scheme in ('http', 'https') and '.' in url.netloc
        return None if whole else 'no address of a site'
    file = (page.parent / url.path).resolve() if url.path else page
    if not file.exists():
        return 'no such file'
    if not file.is_relative_to(ROOT):
        return 'outside of the repository'
    if file.is_dir():
        return 'a folder has no page: link a file in it'
    if url.fragment and url.fragment not in anchors(file):
        return 'no such heading'
    return None


@pytest.mark.parametrize('page', documents(), ids=name)
def test_links(page):
    wrong = {x: problem(page, x) for x in links(page) if problem(page, x)}
    assert not wrong


@pytest.mark.parametrize(
    'target',
    [
        *('none.md', 'scaling.md#none', '../../outside', '#none'),
        *('http://', 'mailto:a', '../mmqcs'),
    ],
)
def test_a_wrong_link_is_found(target):
    assert problem(ROOT / 'docs/design.md', target)


def test_all_markdown_is_looked_at():
    names = {name(page) for page in documents()}
    assert {'README.md', 'docs/faq.md', 'docs/recipes/qcs.md'} <= names
    assert {'configs/det/README.md', 'CHANGELOG.md'} <= names


def test_readme_is_short():
    assert len(README.splitlines()) <= 200


def test_named_parts_are_registered():
    named = set(re.findall(r'`mmqcs\.(\w+)`', README))
    assert len(named) > 8
    assert named <= {*registered(), 'X'}


def test_all_registered_parts_are_on_the_page():
    assert set(registered()) <= set(re.findall(r'`mmqcs\.(\w+)`', PARTS))


def keys_of(config):
    """All keys of a config, but the names of functions and types."""
    if isinstance(config, dict):
        for key, value in config.items():
            yield key
            yield from keys_of(value)
    elif isinstance(config, (list, tuple)):
        for value in config:
            yield from keys_of(value)


def explained_keys():
    """What the tables of the page on configs name."""
    page = (ROOT / 'docs/config.md').read_text(encoding='utf-8')
    _, _, tables = page.partition('\n## The keys\n')
    return set(re.findall(r'\w+', ' '.join(re.findall(r'`([^`]+)`', tables))))


def recipes(kind):
    """The configs of a folder, as dicts, by their names."""
    paths = sorted((ROOT / 'configs' / kind).glob('*.py'))
    assert len(paths) > 8
    return {path.stem: Config.fromfile(path)._cfg_dict.to_dict() for path in paths}


def test_the_config_guide_explains_every_key():
    words = explained_keys()
    missing = {name: set(keys_of(x)) - words for name, x in recipes('qcs').items()}
    assert not any(missing.values()), missing


def test_the_config_guide_explains_what_other_recipes_set():
    words = explained_keys()
    missing = {name: set(x) - words for name, x in recipes('mix').items()}
    assert not any(missing.values()), missing


def test_the_order_of_the_classes_is_that_of_the_data_sets():
    text = (ROOT / 'docs/datasets.md').read_text(encoding='utf-8')
    _, _, rest = text.partition('\n| | 0 | 1 | 2 |')
    rows = [line.strip('| ').split(' | ') for line in rest.split('\n\n')[0].split('\n')]
    shown = {name: tuple(x for x in classes if x) for name, *classes in rows[2:]}
    metas = [part.METAINFO for part in registered().values() if is_data(part)]
    assert shown == {meta['dataset_name']: meta['classes'] for meta in metas}


def is_data(part):
    return isinstance(part, type) and issubclass(part, FERDataset)


def test_read_the_docs_builds_what_make_docs_does():
    config = yaml.safe_load((ROOT / '.readthedocs.yaml').read_text())
    (install,) = config['python']['install']
    setup = configparser.ConfigParser()
    setup.read(ROOT / 'setup.cfg')
    extras = setup['options.extras_require']
    assert set(install['extra_requirements']) <= set(extras)
    assert 'docs' in install['extra_requirements']
    assert (ROOT / config['sphinx']['configuration']).is_file()
    # make docs treats warnings as errors as well
    assert config['sphinx']['fail_on_warning']
