"""The built pages in a real browser, in the window of a phone and of a desktop."""

import functools
import http.server
import re
import shutil
import threading

import pytest

api = pytest.importorskip(
    'playwright.sync_api', reason='driving a browser needs playwright'
)

BROWSERS = ('chromium', 'chromium-browser', 'google-chrome', 'chrome')
BROWSER = next(filter(None, map(shutil.which, BROWSERS)), None)
PHONE, DESKTOP = (390, 844), (1280, 900)
PAGES = ('index', 'gallery', 'http_api', 'model_zoo', 'benchmarks', 'api/apis')

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(BROWSER is None, reason='no browser is installed'),
]


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Server of a folder that prints nothing."""

    def log_message(self, *args):
        pass


@pytest.fixture(scope='module')
def address(site):
    handler = functools.partial(Quiet, directory=site)
    with http.server.ThreadingHTTPServer(('127.0.0.1', 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f'http://127.0.0.1:{server.server_port}'
        server.shutdown()


@pytest.fixture(scope='module')
def browser():
    with api.sync_playwright() as playwright:
        options = ['--no-sandbox', '--disable-gpu']
        started = playwright.chromium.launch(executable_path=BROWSER, args=options)
        yield started
        started.close()


def visit(browser, size, **options):
    view = browser.new_page(viewport={'width': size[0], 'height': size[1]}, **options)
    view.set_default_timeout(60_000)
    return view


@pytest.mark.parametrize('size', [PHONE, DESKTOP], ids=['phone', 'desktop'])
def test_pages_fit_the_window(address, browser, size):
    view = visit(browser, size)
    for name in (*PAGES, 'genindex'):
        view.goto(f'{address}/{name}.html')
        width = view.evaluate('document.documentElement.scrollWidth')
        assert width <= size[0], name
        for image in view.query_selector_all('article img'):
            image.scroll_into_view_if_needed()
            assert image.evaluate('x => x.decode().then(() => x.naturalWidth)') > 0
    view.close()


def test_the_three_ways_stand_next_to_each_other_on_a_desktop(address, browser):
    ways = '#use-it', '#train-it', '#build-with-it'
    for size, rows in ((DESKTOP, 1), (PHONE, 3)):
        view = visit(browser, size)
        view.goto(f'{address}/index.html')
        tops = {round(view.locator(way).bounding_box()['y']) for way in ways}
        assert len(tops) == rows
        view.close()


def test_navigation(address, browser):
    """On a phone, it is behind a button; on a desktop, it is there."""
    view = visit(browser, DESKTOP)
    view.goto(f'{address}/index.html')
    api.expect(view.locator('.sidebar-tree >> text="Datasets"')).to_be_visible()
    view.close()
    view = visit(browser, PHONE)
    view.goto(f'{address}/index.html')
    button = view.locator('.mobile-header label[for="__navigation"]')
    button.click()
    view.click('.sidebar-tree >> text="Datasets"')
    view.wait_for_url('**/datasets.html')
    view.close()


def test_search(address, browser):
    view = visit(browser, DESKTOP)
    view.goto(f'{address}/index.html')
    view.fill('.sidebar-search', 'quadruplet')
    view.press('.sidebar-search', 'Enter')
    # the results come one after another
    summary = view.wait_for_selector('#search-results >> text=Search finished')
    count = int(re.search(r'(\d+) pages', summary.inner_text())[1])
    assert count >= 5
    api.expect(view.locator('#search-results li a')).to_have_count(count)
    view.fill('.sidebar-search', 'nosuchwordanywhere')
    view.press('.sidebar-search', 'Enter')
    view.wait_for_selector('#search-results >> text=did not match any documents')
    view.close()


def test_dark_mode(address, browser):
    brightness = """() => {
      const colour = getComputedStyle(document.body).backgroundColor
      const [r, g, b] = colour.match(/[0-9.]+/g).map(Number)
      return (r + g + b) / 3
    }"""
    found = {}
    for scheme in ('light', 'dark'):
        view = visit(browser, DESKTOP, color_scheme=scheme)
        view.goto(f'{address}/gallery.html')
        found[scheme] = view.evaluate(brightness)
        view.close()
    assert found['dark'] < 64 < 192 < found['light']
    # the button of the page wins over the system
    view = visit(browser, DESKTOP, color_scheme='light')
    view.goto(f'{address}/gallery.html')
    for _ in range(2):
        if view.evaluate(brightness) > 64:
            view.locator('.content-icon-container .theme-toggle').click()
    assert view.evaluate(brightness) < 64
    view.close()
