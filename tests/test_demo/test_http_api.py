"""Other programs call the page: its public calls, their JSON, and the examples."""

import json
import re
import shutil
import subprocess
import sys
import threading
import urllib.error

import cv2
import numpy as np
import pytest
from conftest import ROOT
from demo_case import OPENER, KnownFaces, call, serve, upload
from doc_case import blocks
from faces_case import scene
from video_case import write_video

pytest.importorskip('gradio', reason="the page needs gradio: pip install 'mmqcs[demo]'")

import gradio as gr

from mmqcs.apis import FERInferencer
from mmqcs.checkpoints import DEFAULT_MODEL
from mmqcs.demo import video
from mmqcs.demo.api import Api

GREY = np.full((48, 64, 3), 99, np.uint8)
PAGE = ROOT / 'docs/http_api.md'
BOXES = [(5, 5, 35, 35), (40, 8, 60, 28)]


def example(language, number=0):
    return blocks(PAGE, language)[number].code


def documented(number):
    """Keys of the JSON on the page, and those of its first face."""
    record = json.loads(example('json', number))
    return set(record), set(record['faces'][0])


@pytest.fixture(scope='module')
def api():
    faces = KnownFaces({(64, 48): BOXES})
    return Api(FERInferencer(DEFAULT_MODEL, faces=faces), threading.Lock())


def test_an_image(api, tmp_path):
    path = tmp_path / 'a.png'
    cv2.imwrite(str(path), GREY)
    found = api.image(str(path))
    assert json.loads(json.dumps(found)) == {**found, 'size': [64, 48]}
    assert [tuple(face['box']) for face in found['faces']] == BOXES
    for face in found['faces']:
        assert list(face['scores']) == found['classes']
        assert sum(face['scores'].values()) == pytest.approx(1, abs=1e-4)
        assert max(face['scores'], key=face['scores'].get) == face['name']
        assert found['classes'][face['label']] == face['name']
    assert (set(found), set(found['faces'][0])) == documented(0)
    assert not api.lock.locked()


def test_a_video(api, tmp_path, monkeypatch):
    path = str(write_video(tmp_path / 'a.mp4', [GREY] * 20, 10))
    found = api.video(path)
    assert (found['frames'], found['seconds'], found['notes']) == (20, 2.0, [])
    assert [face['track'] for face in found['faces']] == [1, 2]
    assert sum(found['expressions'].values()) == pytest.approx(1, abs=1e-2)
    assert (set(found), set(found['faces'][0])) == documented(1)
    assert str(tmp_path) not in json.dumps(found)
    whole = api.video_frames(path)
    frames = whole.pop('per_frame')
    assert whole == found
    assert [x['frame'] for x in frames] == list(range(20))
    assert [x['track'] for x in frames[-1]['faces']] == [1, 2]
    assert set(frames[0]['faces'][0]) == documented(0)[1]
    monkeypatch.setattr(video, 'MAX_SECONDS', 1)
    short = api.video_frames(path)
    assert len(short['per_frame']) == short['frames'] == 11
    assert 'up to 60 seconds' in short['notes'][0]


def test_no_file_and_bad_files(api, tmp_path):
    (tmp_path / 'a.png').write_bytes(b'text')
    for handler in (api.image, api.video, api.video_frames):
        with pytest.raises(gr.Error, match='no file'):
            handler(None)
        with pytest.raises(gr.Error, match='the upload is not') as caught:
            handler(str(tmp_path / 'a.png'))
        assert str(tmp_path) not in str(caught.value)
    assert not api.lock.locked()


@pytest.fixture(scope='module')
def server(tmp_path_factory):
    """A running page with a short queue; a photograph and a video next to it."""
    folder = tmp_path_factory.mktemp('server')
    image = scene(0)[0]
    cv2.imwrite(str(folder / 'photo.jpg'), image)
    write_video(folder / 'film.mp4', [image] * 3, rate=10)
    write_video(folder / 'long.mp4', [image] * 100, rate=10)
    with serve(folder, '--max-upload', 2, '--max-waiting', 3) as (address, _):
        yield address, folder


def run(server, code, *command):
    """Run an example of the page against this server, in the folder of the files."""
    address, folder = server
    code = code.replace('http://127.0.0.1:7860', address)
    done = subprocess.run(
        [*command], input=code, capture_output=True, text=True, cwd=folder, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def expected(server):
    address, folder = server
    path = upload(address, (folder / 'photo.jpg').read_bytes())
    answer = call(address, 'image', {'path': path})
    (found,) = json.loads(answer.rpartition('data: ')[2])
    assert len(found['faces']) >= 2
    return found


@pytest.mark.slow
def test_python(server):
    pytest.importorskip('gradio_client')
    *lines, last = run(server, example('python'), sys.executable, '-').splitlines()
    faces = expected(server)['faces']
    wanted = [f'{x["name"]} {x["scores"][x["name"]]} {x["box"]}' for x in faces]
    assert lines[-len(faces) :] == wanted
    assert re.fullmatch(r"0\.3 \{'\w+': .+\}", last)


@pytest.mark.slow
@pytest.mark.skipif(shutil.which('curl') is None, reason='curl is not installed')
def test_curl(server):
    events = run(server, example('bash', 1), 'bash', '-eu').strip()
    *_, kind, data = events.split('\n')
    assert kind == 'event: complete'
    assert json.loads(data.removeprefix('data: ')) == [expected(server)]


@pytest.mark.slow
@pytest.mark.skipif(shutil.which('node') is None, reason='Node.js is not installed')
def test_javascript(server):
    command = 'node', '--input-type=module', '-'
    lines = run(server, example('javascript'), *command).splitlines()
    faces = expected(server)['faces']
    assert [line.split()[0] for line in lines] == [face['name'] for face in faces]


@pytest.mark.slow
def test_only_documented_calls_are_public(server):
    address, _ = server
    with OPENER.open(f'{address}/gradio_api/info', timeout=30) as file:
        calls = json.load(file)['named_endpoints']
    text = PAGE.read_text(encoding='utf-8')
    assert set(calls) == set(re.findall(r'^\| `(/\w+)`', text, re.M))
    names = {
        name: [x['parameter_name'] for x in calls[name]['parameters']] for name in calls
    }
    assert names == {
        '/image': ['image'],
        '/video': ['video'],
        '/video_frames': ['video'],
    }
    # examples of Gradio are URLs, which this server refuses
    assert calls['/image']['parameters'][0]['example_input']['path'] == 'photo.jpg'
    assert 'Raises' not in str([call['description'] for call in calls.values()])
    with OPENER.open(f'{address}/gradio_api/openapi.json', timeout=30) as file:
        assert {'image', 'video'} <= {
            path.rpartition('/')[2] for path in json.load(file)['paths']
        }


@pytest.mark.slow
def test_large_requests_are_refused(server):
    address, _ = server
    # status 413, or the end of the connection while the rest is sent
    with pytest.raises(urllib.error.URLError) as refused:
        upload(address, bytes(4 * 2**20))
    if isinstance(refused.value, urllib.error.HTTPError):
        assert refused.value.code == 413
        assert b'larger than 2 MB' in refused.value.read()
    assert upload(address, bytes(2**20))


@pytest.mark.slow
def test_a_full_queue_refuses_calls(server):
    address, folder = server
    path = upload(address, (folder / 'long.mp4').read_bytes(), 'long.mp4')
    answers = []

    def ask():
        try:
            answers.append(call(address, 'video', {'path': path}))
        except urllib.error.HTTPError as error:
            answers.append(f'{error.code} {error.read().decode()}')

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    refused = [x for x in answers if x.startswith('503')]
    assert refused
    assert all('Queue is full. Max size is 3' in x for x in refused)
    done = [x for x in answers if 'event: complete' in x]
    assert len(done) + len(refused) == 8, answers
    assert done
