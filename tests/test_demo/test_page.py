"""What the page computes, and the page in a real browser."""

import json
import os
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from conftest import ROOT
from faces_case import scene, write_untrained
from free_port import free_port
from PIL import Image

from mmqcs.apis import FERInferencer

pytest.importorskip('gradio', reason="the page needs gradio: pip install 'mmqcs[demo]'")

import gradio as gr

from mmqcs.demo.__main__ import render_examples
from mmqcs.demo.page import (
    CUT_SIDE,
    SHOWN_SIDE,
    SIDE,
    WAYS,
    Page,
    attention_overlay,
    build_page,
    similarity_overlays,
)
from mmqcs.faces import WholeImage

CONFIG = ROOT / 'configs/qcs/qcs_ir-small_synthfer.py'
BROWSERS = ('chromium', 'chromium-browser', 'google-chrome', 'chrome')
BROWSER = next(filter(None, map(shutil.which, BROWSERS)), None)


@pytest.fixture(scope='module')
def checkpoint(tmp_path_factory):
    torch.manual_seed(1)
    return write_untrained(CONFIG, tmp_path_factory.mktemp('demo') / 'run.pth')


@pytest.fixture(scope='module')
def pictures(tmp_path_factory):
    """Several faces, one face, no face, no picture."""
    folder = tmp_path_factory.mktemp('pictures')
    many, faces = scene(0)
    left, top, right, bottom = (int(v) for v in faces[0].box)
    one = many[max(top - 25, 0) : bottom + 25, max(left - 25, 0) : right + 25]
    for name, image in (('many', many), ('one', one), ('none', np.zeros_like(many))):
        cv2.imwrite(str(folder / f'{name}.png'), image)
    (folder / 'bad.png').write_text('text')
    return folder


@pytest.fixture(scope='module')
def page(checkpoint):
    return Page(FERInferencer(checkpoint))


def test_a_picture_with_faces(page, pictures):
    drawn, summary, seen, choice, scores, heat = page.analyse(
        str(pictures / 'many.png')
    )
    faces = seen.result.faces
    assert len(faces) > 1
    assert f'{len(faces)} faces' in summary
    original = cv2.imread(str(pictures / 'many.png'))[..., ::-1]
    assert drawn.shape == original.shape
    assert (drawn != original).any()
    assert choice['choices'] == [
        (f'{i}: {face.name}',) * 2 for i, face in enumerate(faces, 1)
    ] or choice['choices'] == [f'{i}: {face.name}' for i, face in enumerate(faces, 1)]
    assert max(scores, key=scores.get) == faces[0].name
    assert sum(scores.values()) == pytest.approx(1, abs=1e-5)
    assert heat.shape == (SIDE, SIDE, 3)
    # another face, another answer
    again, other = page.show(seen, f'2: {faces[1].name}')
    assert again == pytest.approx(
        dict(zip(seen.result.classes, faces[1].scores.tolist(), strict=True))
    )
    assert (other != heat).any()


def test_the_faces_of_the_examples_are_found(page, tmp_path):
    counts = [len(page.look(str(x)).result.faces) for x in render_examples(tmp_path)]
    assert counts == [2, 4, 4]


def test_no_face_no_picture_bad_picture(page, pictures):
    drawn, summary, _, _, scores, heat = page.analyse(str(pictures / 'none.png'))
    assert summary == 'No face was found.'
    assert drawn is not None
    assert scores is heat is None
    assert page.analyse(None)[2] is None
    with pytest.raises(gr.Error, match='the upload is not an image'):
        page.analyse(str(pictures / 'bad.png'))


def test_of_an_animation_the_first_frame(page, pictures, tmp_path, monkeypatch):
    shots = [Image.open(pictures / 'many.png').convert('RGB')]
    shots += [Image.new('RGB', shots[0].size, (i, 0, 0)) for i in range(40)]
    shots[0].save(tmp_path / 'x.gif', save_all=True, append_images=shots[1:])
    seen = []
    detect = page.infer.detector.detect
    monkeypatch.setattr(
        page.infer.detector, 'detect', lambda x: seen.append(x) or detect(x)
    )
    assert page.look(str(tmp_path / 'x.gif')).result.faces
    assert len(seen) <= page.infer.batch_frames


def test_comparing(page, pictures):
    seen = page.look(str(pictures / 'many.png'))
    path = str(pictures / 'one.png')
    told, *agree = page.compare(seen, None, path, WAYS[0])
    assert told.startswith('First face: ')
    _, *differ = page.compare(seen, None, path, WAYS[1])
    for one, other in zip(agree, differ, strict=True):
        assert one.shape == (SIDE, SIDE, 3)
        assert (one != other).any()
    assert page.compare(seen, None, None, WAYS[0])[1:] == (None, None)
    assert 'The first image needs a face' in page.compare(None, None, path, WAYS[0])[0]
    none = str(pictures / 'none.png')
    assert 'No face was found' in page.compare(seen, None, none, WAYS[0])[0]


def test_explanations_are_of_the_face_alone(page, pictures):
    """The same face gives the same pictures, whatever it is asked with."""
    seen = page.look(str(pictures / 'many.png'))
    first, second = seen.cuts[:2]
    classifier = page.infer.classifier
    np.testing.assert_array_equal(
        attention_overlay(classifier, first), attention_overlay(classifier, first)
    )
    left, right = similarity_overlays(classifier, first, second)
    for picture, face, other in ((left, first, second), (right, second, first)):
        shown = [
            np.corrcoef(
                picture.mean(2).ravel(),
                cv2.resize(view, (SIDE, SIDE)).mean(2).ravel(),
            )[0, 1]
            for view in classifier.views([face, other])
        ]
        assert shown[0] > shown[1]
    swapped = similarity_overlays(classifier, second, first)
    assert np.abs(left.astype(int) - swapped[1]).max() <= 1
    assert np.abs(right.astype(int) - swapped[0]).max() <= 1


def test_the_page_is_built(page):
    assert isinstance(build_page(page.infer, 'title'), gr.Blocks)


def start(*args, env=None, **options):
    command = [sys.executable, '-m', 'mmqcs.demo', *map(str, args)]
    environment = {**os.environ, 'PYTHONPATH': str(ROOT), **(env or {})}
    return subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
        **options,
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ('args', 'message'),
    [
        (['--model', 'none.pth'], 'checkpoint not found: none.pth'),
        (['--model', 'qcs_ir50_raf'], 'qcs_ir50_raf is not a checkpoint: a config'),
    ],
)
def test_wrong_calls(tmp_path, args, message):
    process = start(*args, cwd=tmp_path)
    _, stderr = process.communicate(timeout=120)
    assert process.returncode == 2
    assert message in stderr
    assert 'Traceback' not in stderr


# no proxy may come between the program and itself
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@contextmanager
def serve(checkpoint, folder):
    """The program as a user starts it: its address and its process."""
    port = free_port()
    environment = {'TMPDIR': str(folder)}
    process = start('--model', checkpoint, '--port', port, cwd=folder, env=environment)
    address = f'http://127.0.0.1:{port}'
    deadline = time.monotonic() + 180
    try:
        while True:
            assert process.poll() is None, process.communicate()
            try:
                OPENER.open(address, timeout=5).close()
                break
            except OSError:
                assert time.monotonic() < deadline
                time.sleep(0.3)
        yield address, process
    finally:
        process.kill()
        process.communicate()


@pytest.fixture
def served(checkpoint, tmp_path):
    with serve(checkpoint, tmp_path) as (address, _):
        yield address


def upload(address, content):
    """The path of an uploaded file on the server."""
    form = b'--x\r\nContent-Disposition: form-data; name="files"; filename="a.jpg"'
    body = form + b'\r\n\r\n' + content + b'\r\n--x--\r\n'
    kind = {'Content-Type': 'multipart/form-data; boundary=x'}
    request = urllib.request.Request(f'{address}/gradio_api/upload', body, kind)
    with OPENER.open(request, timeout=60) as answer:
        return json.load(answer)[0]


def analyse(address, path):
    """What the server answers to an image."""
    given = {'path': path, 'meta': {'_type': 'gradio.FileData'}}
    request = urllib.request.Request(
        f'{address}/gradio_api/call/analyse',
        json.dumps({'data': [given]}).encode(),
        {'Content-Type': 'application/json'},
    )
    with OPENER.open(request, timeout=60) as answer:
        event = json.load(answer)['event_id']
    with OPENER.open(f'{request.full_url}/{event}', timeout=60) as answer:
        return answer.read().decode()


@pytest.mark.slow
def test_uploads_have_limits_and_do_not_stay(checkpoint, pictures, tmp_path):
    with serve(checkpoint, tmp_path) as (address, process):
        path = upload(address, (pictures / 'many.png').read_bytes())
        assert Path(path).is_relative_to(tmp_path)
        assert 'event: complete' in analyse(address, path)
        for content, message in ((b'text', 'is not an image'), (b'', 'is empty')):
            answer = analyse(address, upload(address, content))
            assert 'event: error' in answer
            assert f'the upload {message}' in answer
            assert str(tmp_path) not in answer
        # status 413, or the end of the connection while the rest is sent
        with pytest.raises(urllib.error.URLError):
            upload(address, bytes(60_000_000))
        assert 'event: complete' in analyse(address, path)
        large = [x for x in tmp_path.rglob('*') if x.stat().st_size > 1_000_000]
        assert large == []
        assert list(tmp_path.rglob('a.jpg'))
        process.terminate()
        process.wait(60)
        assert not [x for x in tmp_path.rglob('*') if x.is_file()]


def test_a_session_keeps_small_images(page, monkeypatch, tmp_path):
    large = np.full((3000, 3000, 3), 90, np.uint8)
    cv2.imwrite(str(tmp_path / 'a.png'), large)
    monkeypatch.setattr(page.infer, 'detector', WholeImage())
    drawn, _, seen, *_ = page.analyse(str(tmp_path / 'a.png'))
    assert seen.result.image is None
    assert [cut.shape for cut in seen.cuts] == [(CUT_SIDE, CUT_SIDE, 3)]
    assert drawn.shape == (SHOWN_SIDE, SHOWN_SIDE, 3)


def test_requests_wait_for_one_another(page):
    blocks = build_page(page.infer, 'title')
    computed = [x for x in blocks.fns.values() if x.concurrency_id == 'model']
    assert len(computed) >= 6
    assert {x.concurrency_limit for x in computed} == {1}
    assert blocks.delete_cache is not None


@pytest.mark.slow
@pytest.mark.skipif(
    BROWSER is None, reason=f'no browser: none of {", ".join(BROWSERS)} is installed'
)
def test_in_a_browser(served, pictures, tmp_path):
    """A user uploads a picture, reads the result, picks a face, compares it."""
    api = pytest.importorskip(
        'playwright.sync_api', reason='driving a browser needs playwright'
    )
    options = [
        *('--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-sync'),
        *('--disable-background-networking', '--disable-component-update'),
    ]
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=BROWSER, args=options)
        view = browser.new_page(viewport={'width': 1280, 'height': 1600})
        view.set_default_timeout(120_000)
        asked, errors = [], []
        view.on('request', lambda request: asked.append(request.url))
        view.on('pageerror', lambda error: errors.append(str(error)))
        view.goto(served, wait_until='domcontentloaded')
        view.set_input_files('#picture input[type=file]', pictures / 'many.png')
        view.wait_for_selector('#summary >> text=/\\d faces, the largest first/')
        top = view.inner_text('#scores').split('\n')[1]
        faces = view.locator('#face label')
        assert faces.count() >= 2
        assert faces.nth(0).inner_text() == f'1: {top}'
        for name in ('faces', 'attention'):
            view.wait_for_selector(f'#{name} img')
        view.set_input_files('#second input[type=file]', pictures / 'one.png')
        view.wait_for_selector('#told >> text=Second face')
        for name in ('left', 'right'):
            view.wait_for_selector(f'#{name} img')
        before = view.get_attribute('#attention img', 'src')
        faces.nth(1).click()
        view.wait_for_function(
            'old => document.querySelector("#attention img").src !== old', arg=before
        )
        shot = tmp_path / 'page.png'
        view.screenshot(path=shot, full_page=True)
        browser.close()
    assert errors == []
    # nothing is asked of any other server
    assert all(url.startswith((served, 'data:', 'blob:')) for url in asked)
    # the heat maps are on the screenshot: their palette is on nothing else
    image = cv2.imread(str(shot)).astype(int)
    assert image.shape[0] >= 1000
    assert (np.ptp(image, axis=2) > 60).mean() > 0.05
