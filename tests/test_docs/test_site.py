"""The documentation is built without a warning, and its pages hold what they should."""

import html
import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from doc_case import ROOT, public, registered
from modelindex.load_model_index import load

pytestmark = pytest.mark.slow

PROGRAMS = {'cli', 'commands', 'demo', 'weights'}
"""Packages that are called from the command line, or hold data."""


class Targets(HTMLParser):
    """Links and anchors of a page."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.links, self.ids = [], set()
        self.feed(path.read_text(encoding='utf-8'))

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        self.ids.add(found.get('id'))
        if link := found.get('href' if tag in ('a', 'link') else 'src'):
            self.links.append(link)


def test_all_links_lead_somewhere(site):
    pages = {path: Targets(path) for path in site.rglob('*.html')}
    assert len(pages) > 30
    for path, page in pages.items():
        for link in page.links:
            url = urlsplit(link)
            if url.scheme or url.netloc:
                continue
            target = (path.parent / unquote(url.path)).resolve() if url.path else path
            assert target.is_file(), f'{path.name}: {link}'
            if url.fragment and target in pages:
                assert unquote(url.fragment) in pages[target].ids, (
                    f'{path.name}: {link}'
                )


def test_every_page_can_be_reached(site):
    """Every page can be reached from the home page by links."""
    found, waiting = set(), [site / 'index.html']
    while waiting:
        path = waiting.pop()
        if path in found or path.suffix != '.html':
            continue
        found.add(path)
        for link in Targets(path).links:
            url = urlsplit(link)
            if not url.scheme and not url.netloc and url.path:
                waiting.append((path.parent / unquote(url.path)).resolve())
    assert found == {path.resolve() for path in site.rglob('*.html')}


def test_every_package_has_a_page(site):
    packages = {path.parent.name for path in (ROOT / 'mmqcs').glob('*/__init__.py')}
    pages = {path.stem for path in (site / 'api').glob('*.html')}
    assert packages - PROGRAMS == pages - {'index', 'registration'}
    for name in packages - PROGRAMS:
        assert f'<h1>mmqcs.{name}' in (site / f'api/{name}.html').read_text()


def test_notebooks_are_pages(site):
    page = text_of(site / '_files/demo/train_on_your_folders.ipynb.html')
    assert "config = load_config('qcs_ir-small_synthfer')" in page
    assert '"cell_type"' not in page


def test_pages_load_nothing_from_other_sites(site):
    for path in site.rglob('*.html'):
        text = path.read_text(encoding='utf-8')
        assert not re.search(r'<(script|img|link)[^>]+(src|href)="(https?:)?//', text)


def text_of(path):
    """What a page says, without tags."""
    return html.unescape(re.sub(r'<[^>]+>', '', path.read_text(encoding='utf-8')))


def test_every_part_is_in_the_reference(site):
    ids = set().union(*(Targets(path).ids for path in (site / 'api').glob('*.html')))
    described = {x.rpartition('.')[2] for x in ids if x and x.startswith('mmqcs.')}
    assert registered().keys() | public().keys() <= described


def test_the_model_zoo_is_that_of_the_index(site):
    text = text_of(site / 'model_zoo.html')
    models = load(str(ROOT / 'model-index.yml')).models
    assert len(models) > 30
    for model in models:
        assert model.name in text
        assert f'{model.metadata.data["Parameters"] / 1e6:.1f}' in text
        for result in model.results or ():
            assert f'{result.metrics["Top 1 Accuracy"]:.2f}' in text


def test_files_outside_of_the_pages_are_shown(site):
    assert 'Measured here' in text_of(site / 'recipes/det.html')
    assert 'How to contribute' in text_of(site / 'contributing.html')
    config = text_of(site / '_files/configs/qcs/qcs_ir50_raf.py.html')
    assert "'../_base_/models/qcs_ir50.py'" in config
    # a link to a README leads to the page that shows it
    links = Targets(site / 'get_started.html').links
    assert 'recipes/qcs.html#pretrained-backbone' in links
