"""The page as a program: its calls, its limits, and what it stores."""

import json
import os
import sys
import tempfile
import time
import urllib.error
from pathlib import Path

import cv2
import numpy as np
import pytest
from demo_case import OPENER, KnownFaces, call, serve, upload
from faces_case import scene
from free_port import free_port
from video_case import write_video

pytest.importorskip('gradio', reason="the page needs gradio: pip install 'mmqcs[demo]'")

from mmqcs.apis import FERInferencer
from mmqcs.checkpoints import DEFAULT_MODEL
from mmqcs.demo.__main__ import main
from mmqcs.demo.camera import SECONDS, STREAMS
from mmqcs.demo.page import build_page

NAMES = {'image', 'video', 'video_frames'}
WAITING = 32


@pytest.fixture(scope='module')
def blocks():
    infer = FERInferencer(DEFAULT_MODEL, faces=KnownFaces({}))
    return build_page(infer, 'title', {}, WAITING)


def test_names_do_not_change(blocks):
    public = [x for x in blocks.fns.values() if x.api_visibility == 'public']
    assert {x.api_name for x in public} == NAMES
    ids = {block.elem_id for block in blocks.blocks.values()}
    assert {'picture', 'faces', 'scores', 'attention', 'summary'} <= ids
    assert {'film', 'status', 'drawn', 'timeline', 'shares', 'csv'} <= ids
    assert {'camera', 'live', 'live-summary'} <= ids


def test_requests_wait_for_one_another(blocks):
    limits = {x.concurrency_id: x.concurrency_limit for x in blocks.fns.values()}
    assert limits['photographs'] == limits['videos'] == 1
    assert limits['cameras'] == STREAMS
    assert blocks._queue.max_size == WAITING
    (watch,) = (x for x in blocks.fns.values() if x.api_name == 'watch')
    assert watch.time_limit == SECONDS
    assert blocks.delete_cache is not None


@pytest.mark.parametrize(
    ('args', 'message'),
    [
        (['--model', 'none.pth'], 'checkpoint not found: none.pth'),
        (['--model', 'qcs_ir50_raf'], 'qcs_ir50_raf is not a checkpoint: a config'),
        (['--model', 'model.onnx'], 'the page needs a checkpoint'),
        (['--max-upload', '0'], 'argument --max-upload: must be at least 1, got 0'),
    ],
)
def test_wrong_calls(tmp_path, monkeypatch, capsys, args, message):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, 'argv', ['mmqcs demo', *args])
    monkeypatch.setattr(os, 'environ', os.environ.copy())
    with pytest.raises(SystemExit) as stop:
        main()
    assert stop.value.code == 2
    assert message in capsys.readouterr().err


@pytest.mark.slow
def test_uploads_have_limits_and_do_not_stay(tmp_path):
    many = cv2.imencode('.png', scene(0)[0])[1].tobytes()
    film = write_video(tmp_path / 'film.mp4', sounds=['aac']).read_bytes()
    (tmp_path / 'film.mp4').unlink()
    with serve(tmp_path) as (address, process):
        path = {'path': upload(address, many)}
        assert Path(path['path']).is_relative_to(tmp_path)
        assert 'event: complete' in call(address, 'analyse', path)
        for name in ('analyse', 'analyse_video'):
            for content, message in ((b'text', 'is not'), (b'', 'is empty')):
                answer = call(address, name, {'path': upload(address, content)})
                assert 'event: error' in answer
                assert f'the upload {message}' in answer
                assert str(tmp_path) not in answer
        # status 413, or the end of the connection while the rest is sent
        with pytest.raises(urllib.error.URLError):
            upload(address, bytes(60_000_000))
        assert 'event: complete' in call(address, 'analyse', path)
        # nobody can make the server ask others
        url = 'http://192.0.2.1/a.png'
        assert 'not downloaded' in call(address, 'analyse', {'path': url})
        with pytest.raises(urllib.error.HTTPError) as refused:
            OPENER.open(f'{address}/gradio_api/file={url}', timeout=10)
        assert refused.value.read() == b'URLs are not fetched'
        with pytest.raises(urllib.error.HTTPError, match='404'):
            OPENER.open(f'{address}/gradio_api/runs', timeout=10)
        # a video gives a video and a table, which can be fetched
        answer = call(
            address, 'analyse_video', {'path': upload(address, film, 'a.mp4')}
        )
        *_, line = (x for x in answer.splitlines() if x.startswith('data: '))
        status, *_, table, _ = json.loads(line.removeprefix('data: '))
        assert status == 'No face was found in 7 frames, 1.4 seconds.'
        with OPENER.open(table['url'], timeout=10) as file:
            assert file.readline().startswith(b'track,first,last,seconds,')
        assert 'event: error' in call(address, 'watch', {'path': path['path']})
        assert list(tmp_path.rglob('a.jpg'))
        process.terminate()
        process.wait(60)
        assert not [x for x in tmp_path.rglob('*') if x.is_file()]


@pytest.mark.slow
def test_files_are_deleted(tmp_path, monkeypatch):
    """Uploads and results do not get older than a few seconds here; examples do."""
    folder = tmp_path / 'files'
    folder.mkdir()
    monkeypatch.setattr(tempfile, 'tempdir', str(folder))
    monkeypatch.setenv('GRADIO_TEMP_DIR', str(folder))
    monkeypatch.setattr('mmqcs.demo.page.KEPT_SECONDS', 6)
    monkeypatch.setattr('mmqcs.demo.video.INTERVAL', 0)
    faces = KnownFaces({(64, 48): [(5, 5, 40, 40)]})
    image = cv2.imencode('.png', np.full((48, 64, 3), 99, np.uint8))[1].tobytes()
    (tmp_path / 'example.png').write_bytes(image + b'an example')
    examples = {'title': [tmp_path / 'example.png']}
    infer = FERInferencer(DEFAULT_MODEL, faces=faces)
    blocks = build_page(infer, 'title', examples, WAITING)
    (example,) = folder.rglob('*.png')
    port = free_port()
    blocks.launch(server_port=port, prevent_thread_lock=True, quiet=True)
    address = f'http://127.0.0.1:{port}'
    try:
        film = write_video(tmp_path / 'film.mp4').read_bytes()
        for name, path in (
            ('analyse_video', upload(address, film)),
            ('analyse', upload(address, image)),
            ('analyse', str(example)),
        ):
            assert 'event: complete' in call(address, name, {'path': path})
        names = {path.name for path in folder.rglob('*') if path.is_file()}
        results = {'a_faces.mp4', 'a_summary.csv', 'image.webp'}
        assert names == {'a.jpg', example.name, *results}
        deadline = time.monotonic() + 30
        while [path for path in folder.rglob('*') if path.is_file()] != [example]:
            assert time.monotonic() < deadline
            time.sleep(0.2)
    finally:
        blocks.close()
