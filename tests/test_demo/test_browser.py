"""The page in a real browser."""

import shutil
import time
from contextlib import contextmanager

import cv2
import numpy as np
import pytest
import torch
from demo_case import CONFIG, OPENER, serve
from faces_case import scene, write_untrained
from video_case import write_video

from mmqcs.demo.examples import find_portrait

pytest.importorskip('gradio', reason="the page needs gradio: pip install 'mmqcs[demo]'")
api = pytest.importorskip(
    'playwright.sync_api', reason='driving a browser needs playwright'
)


BROWSERS = ('chromium', 'chromium-browser', 'google-chrome', 'chrome')
BROWSER = next(filter(None, map(shutil.which, BROWSERS)), None)
PORTRAIT = find_portrait()

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        BROWSER is None,
        reason=f'no browser: none of {", ".join(BROWSERS)} is installed',
    ),
]
needs_portrait = pytest.mark.skipif(
    PORTRAIT is None, reason='the photograph is missing: pip install scikit-image'
)


@contextmanager
def visit(address, *options):
    """Open the page; it must not fail, nor ask any other server."""
    options = [
        *('--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-sync'),
        *('--disable-background-networking', '--disable-component-update'),
        *options,
    ]
    asked, errors = [], []
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=BROWSER, args=options)
        view = browser.new_page(viewport={'width': 1280, 'height': 1600})
        view.set_default_timeout(120_000)
        view.on('request', lambda request: asked.append(request.url))
        view.on('pageerror', lambda error: errors.append(str(error)))
        view.goto(address, wait_until='domcontentloaded')
        yield view
        browser.close()
    assert errors == []
    assert all(url.startswith((address, 'data:', 'blob:')) for url in asked)


def portrait(side):
    return cv2.resize(cv2.imread(str(PORTRAIT)), (side, side))


def wait_until(condition):
    """Wait at most a minute."""
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


@needs_portrait
def test_photograph_video_and_camera(tmp_path):
    """A user of the shipped network tries an example, a video and the camera."""
    image = portrait(320)[:240]
    film = write_video(tmp_path / 'film.mp4', [image] * 15, rate=10, sounds=['aac'])
    long = write_video(tmp_path / 'long.mp4', [image] * 600, rate=10)
    still = write_video(tmp_path / 'camera.mjpeg', [image] * 5, codec='mjpeg')
    fake = '--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream'
    capture = f'--use-file-for-fake-video-capture={still}'
    with (
        serve(tmp_path) as (address, _),
        visit(address, *fake, capture) as view,
    ):
        view.click('#examples-0 button >> nth=0')
        view.wait_for_selector('#summary >> text=One face')
        view.wait_for_selector('#attention img')
        view.wait_for_selector('#scores >> text=Happy')
        names = view.locator('#scores .label .text').all_inner_texts()
        assert 'Happy' in names[:2]
        with OPENER.open(view.get_attribute('#faces img', 'src')) as file:
            shown = cv2.imdecode(np.frombuffer(file.read(), np.uint8), cv2.IMREAD_COLOR)
        # the colours are right
        assert cv2.absdiff(shown, cv2.imread(str(PORTRAIT))).mean() < 10

        view.click('role=tab[name=Video]')
        view.set_input_files('#film input[type=file]', film)
        view.wait_for_selector('#status >> text=One face in 15 frames, 1.5 seconds.')
        view.wait_for_selector('#timeline img')
        view.wait_for_function('document.querySelector("#drawn video").duration > 1.4')
        api.expect(view.locator('#shares')).to_contain_text('Happy')
        with view.expect_download() as download:
            view.click('#csv a')
        assert download.value.path().read_text().startswith('track,first,last')
        api.expect(view.locator('#stop')).to_be_hidden()

        # work that is stopped, or left, leaves nothing
        kept = set(tmp_path.rglob('*_faces.mp4'))
        for leave in (lambda: view.click('#stop'), lambda: view.goto('about:blank')):
            view.goto(address, wait_until='domcontentloaded')
            view.click('role=tab[name=Video]')
            view.set_input_files('#film input[type=file]', long)
            view.wait_for_selector('#status progress')
            wait_until(lambda: set(tmp_path.rglob('*_faces.mp4')) > kept)
            leave()
            wait_until(lambda: set(tmp_path.rglob('*_faces.mp4')) == kept)

        view.goto(address, wait_until='domcontentloaded')
        view.click('role=tab[name=Camera]')
        view.click('#camera >> text=Click to Access Webcam')
        view.click('#camera button[aria-label="capture photo"]')
        view.wait_for_selector('#live-summary >> text=/One face.*: 1 /')
        before = view.get_attribute('#live img', 'src')
        assert before.startswith('data:image/jpeg;base64,')
        files = set(tmp_path.rglob('*'))
        view.wait_for_function(
            'old => document.querySelector("#live img").src !== old', arg=before
        )
        view.click('#camera button[aria-label="capture photo"]')
        assert set(tmp_path.rglob('*')) == files


def test_faces_are_compared(tmp_path):
    """A user picks a face, and compares it with another."""
    torch.manual_seed(1)
    model = write_untrained(CONFIG, tmp_path / 'run.pth')
    many, faces = scene(0)
    left, top, right, bottom = (int(v) for v in faces[0].box)
    one = many[max(top - 25, 0) : bottom + 25, max(left - 25, 0) : right + 25]
    cv2.imwrite(str(tmp_path / 'many.png'), many)
    cv2.imwrite(str(tmp_path / 'one.png'), one)
    shot = tmp_path / 'page.png'
    with (
        serve(tmp_path, '--model', model) as (address, _),
        visit(address) as view,
    ):
        view.set_input_files('#picture input[type=file]', tmp_path / 'many.png')
        view.wait_for_selector('#summary >> text=/\\d faces, the largest first/')
        view.wait_for_selector('#attention img')
        faces = view.locator('#face label')
        api.expect(faces.nth(1)).to_be_visible()
        top_name = view.inner_text('#scores').split('\n')[1]
        api.expect(faces.nth(0)).to_have_text(f'1: {top_name}')
        view.set_input_files('#second input[type=file]', tmp_path / 'one.png')
        view.wait_for_selector('#told >> text=Second face')
        for name in ('left', 'right'):
            view.wait_for_selector(f'#{name} img')
        before = view.get_attribute('#attention img', 'src')
        faces.nth(1).click()
        view.wait_for_function(
            'old => document.querySelector("#attention img").src !== old', arg=before
        )
        view.screenshot(path=shot, full_page=True)
    # the heat maps are on the screenshot: their palette is on nothing else
    image = cv2.imread(str(shot)).astype(int)
    assert image.shape[0] >= 1000
    assert (np.ptp(image, axis=2) > 60).mean() > 0.05
