"""infer.py as a user runs it."""

import csv
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
import tracemalloc

import cv2
import pytest
from faces_case import scene, write_untrained
from infer_case import CONFIG, INFER, run, write_folder, write_video
from PIL import Image
from tool_helpers import load_tool

pytestmark = pytest.mark.slow


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    return write_folder(tmp_path_factory.mktemp('in'))


@pytest.fixture(scope='module')
def model(tmp_path_factory):
    return write_untrained(CONFIG, tmp_path_factory.mktemp('model') / 'run.pth')


def lines(out):
    return [json.loads(x) for x in (out / 'results.jsonl').read_text().splitlines()]


def test_a_folder(model, folder, tmp_path):
    done = run(INFER, folder, '--model', model, '--out', tmp_path / 'out', '--every', 2)
    assert done.returncode == 1, done.stderr  # two cannot be read
    for name in ('bad.jpg', 'empty.png'):
        assert f'mmqcs: {folder / name} is' in done.stderr
    assert f'{folder / "nothing.png"}  no face\n' in done.stdout
    assert f'{folder / "film.mp4"}  3 frames  ' in done.stdout
    assert '1 without a face' in done.stderr
    assert '2 unreadable' in done.stderr
    found = lines(tmp_path / 'out')
    assert len(found) == 5 + 3
    by_name = {line['source']: line for line in found if line['frame'] is None}
    for path in (folder / 'one.jpg', folder / 'sub/two.png'):
        faces = by_name[str(path)]['faces']
        assert faces
        assert sum(faces[0]['scores'].values()) == pytest.approx(1, abs=1e-4)
    assert [line['frame'] for line in found if line['frame'] is not None] == [0, 2, 4]
    pictures = tmp_path / 'out/pictures'
    assert {x.name for x in pictures.iterdir()} == {
        *('one.jpg', 'two.png', 'nothing.png', 'film.mp4')
    }
    capture = cv2.VideoCapture(str(pictures / 'film.mp4'))
    assert capture.get(cv2.CAP_PROP_FRAME_COUNT) == 3
    assert capture.get(cv2.CAP_PROP_FPS) == 5
    with (tmp_path / 'out/results.csv').open(newline='') as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == sum(max(len(line['faces']), 1) for line in found)
    # a second run does not overwrite the first
    again = run(INFER, folder / 'one.jpg', '--model', model, '--out', tmp_path / 'out')
    assert again.returncode == 2
    assert 'exists: ' in again.stderr


def test_faces_that_are_cut_out_already(model, folder, tmp_path):
    options = ['--faces', 'none', '--no-pictures', '--out', tmp_path / 'out']
    picture = folder / 'one.jpg'
    done = run(INFER, picture, '--model', CONFIG, '--checkpoint', model, *options)
    assert done.returncode == 0, done.stderr
    (line,) = lines(tmp_path / 'out')
    assert line['faces'][0]['box'] == [0, 0, 320, 320]
    assert [x.name for x in (tmp_path / 'out').iterdir()] == [
        *('results.jsonl', 'results.csv')
    ] or len(list((tmp_path / 'out').iterdir())) == 2


@pytest.mark.parametrize(
    ('args', 'message'),
    [
        ([], 'give INPUT or --camera N'),
        (['x.png', '--camera', 0], 'give INPUT or --camera N'),
        (['{empty}'], 'no images or videos in the folder'),
        (['https://example.org/a.jpg'], 'nothing is downloaded'),
        (['none*.jpg'], 'no file matches the wildcard none*.jpg'),
        (['x.png', '--faces', 'yunet'], '--faces yunet needs --face-model FILE'),
        (['x.png', '--face-model', 'y'], '--face-model cannot be used with --faces'),
        (
            ['x.png', '--faces', 'yunet', '--face-model', 'none.onnx'],
            'no YuNet model at none.onnx',
        ),
        (['x.png', '--faces', 'none', '--every', 0], '--every: must be at least 1'),
        (
            ['x.png', '--faces', 'none', '--model', 'none.pth'],
            'checkpoint not found',
        ),
        (['x.png', '--model', 'qcs_ir50_raf'], 'is not a checkpoint: a config, or'),
        (
            ['x.png', '--faces', 'none', '--model', 'qcs99', '--checkpoint', 'x.pth'],
            "no model is named 'qcs99'",
        ),
    ],
)
def test_wrong_calls(call, model, tmp_path, args, message):
    args = [tmp_path if arg == '{empty}' else arg for arg in args]
    known = [] if '--model' in args else ['--model', model]
    call(load_tool('infer'), *args, *known, '--out', tmp_path / 'out', error=message)


def test_a_camera_that_is_not_there(model, tmp_path, monkeypatch, capsys):
    options = ['--camera', 97, '--faces', 'none', '--out', tmp_path / 'out']
    module = load_tool('infer')
    call = ['infer.py', *options, '--model', model]
    monkeypatch.setattr(sys, 'argv', [*map(str, call)])
    assert module.main() == 1
    assert 'camera 97 cannot be opened' in capsys.readouterr().err


@pytest.fixture
def infer(model, tmp_path, monkeypatch, capsys):
    """Runs the program in this process: status, stdout, stderr, results."""
    module = load_tool('infer')
    # the program sets these for itself
    for name in ('OPENCV_FFMPEG_LOGLEVEL', 'OPENCV_FFMPEG_CAPTURE_OPTIONS'):
        monkeypatch.setenv(name, '')
        monkeypatch.delenv(name)
    log = cv2 if hasattr(cv2, 'getLogLevel') else cv2.utils.logging
    level = log.getLogLevel()

    def run_main(*args):
        out = tmp_path / 'out'
        options = ['--model', model, '--faces', 'none', '--out', out]
        monkeypatch.setattr(sys, 'argv', ['infer.py', *map(str, (*args, *options))])
        status = module.main()
        printed = capsys.readouterr()
        return status, printed.out, printed.err, lines(out)

    yield run_main
    log.setLogLevel(level)


def errors_of(stderr):
    return [line for line in stderr.splitlines() if line.startswith('mmqcs: ')]


def test_bad_files_cost_one_line_each(infer, tmp_path):
    folder = tmp_path / 'in'
    folder.mkdir()
    image = Image.fromarray(scene(0)[0])
    for name in ('a.jpg', 'z.jpg'):
        image.save(folder / name)
    for kind in ('gif', 'webp', 'png', 'tiff', 'avif'):
        path = folder / f'cut.{kind}'
        image.save(path, save_all=True, append_images=[image.rotate(9)])
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 3])
    os.mkfifo(folder / 'pipe.jpg')
    (folder / 'zero.jpg').symlink_to('/dev/zero')
    (folder / 'folder.jpg').mkdir()
    for name in ('line\nfeed.png', 'bytes\udcff.png', 'colour\x1b[31m.mp4', 'x.heic'):
        (folder / name).write_text('text')
    write_video(folder / 'good.mp4', 3)
    (folder / 'good.mp4').rename(folder / 'good\udcff.mp4')
    (folder / 'list.m3u8').write_text('#EXTM3U\nfile:///etc/hosts\n')
    status, stdout, stderr, found = infer(folder)
    assert status == 1
    errors = errors_of(stderr)
    bad = [
        *(f'cut.{kind}' for kind in ('avif', 'gif', 'png', 'tiff', 'webp')),
        *('pipe.jpg', 'zero.jpg', 'folder.jpg', r'line\nfeed.png', 'x.heic'),
        *(r'bytes\udcff.png', r'colour\x1b[31m.mp4'),
    ]
    assert len(errors) == len(bad)
    for name in bad:
        (line,) = (x for x in errors if f'{folder}/{name} ' in x)
        assert line.isprintable()
    for name in ('a.jpg', 'z.jpg'):
        assert f'{folder / name}  face 1  ' in stdout
    assert 'left out: 1 file of unknown format (1 .m3u8)' in stderr
    assert f'{len(bad)} unreadable' in stderr
    assert sum(line['error'] is not None for line in found) == len(bad)
    sources = {line['source'] for line in found}
    assert {str(folder / 'line\nfeed.png'), str(folder / 'bytes\udcff.png')} < sources
    with (tmp_path / 'out/results.csv').open(newline='', encoding='utf-8') as file:
        rows = list(csv.DictReader(file))
    assert f'{folder}/line\\nfeed.png' in {row['source'] for row in rows}
    drawn = {path.name for path in (tmp_path / 'out/pictures').iterdir()}
    assert {'a.jpg', 'z.jpg', 'good_.mp4'} <= drawn


def test_files_that_vanish(infer, folder, tmp_path, monkeypatch):
    """A file that was listed and is gone before it is read is named."""
    copy = tmp_path / 'in'
    shutil.copytree(folder, copy)
    module = sys.modules['mmqcs.apis.fer_inferencer']
    read = module.frames

    def frames(item, *args):
        (copy / 'one.jpg').unlink(missing_ok=True)
        yield from read(item, *args)

    monkeypatch.setattr(module, 'frames', frames)
    status, stdout, stderr, _ = infer(copy)
    assert status == 1
    assert f'mmqcs: no such file: {copy / "one.jpg"}' in stderr
    assert f'{copy / "sub/two.png"}  face 1  ' in stdout


def test_an_ascii_terminal(model, folder, tmp_path):
    shutil.copy(folder / 'one.jpg', tmp_path / 'Zoë.jpg')
    options = ['--faces', 'none', '--out', tmp_path / 'out', '--model', model]
    env = {**os.environ, 'PYTHONIOENCODING': 'ascii', 'PYTHONUTF8': '1'}
    done = run(INFER, tmp_path / 'Zoë.jpg', *options, env=env)
    assert done.returncode == 0, done.stderr
    assert r'Zo\xeb.jpg  face 1  ' in done.stdout


def test_pages_are_written_as_images(infer, tmp_path):
    pages = [Image.new('RGB', (32 + i, 32), (60 * i, 0, 0)) for i in range(3)]
    pages[0].save(tmp_path / 'a.tif', save_all=True, append_images=pages[1:])
    status, *_, found = infer(tmp_path / 'a.tif')
    assert status == 0
    assert [line['frame'] for line in found] == [0, 1, 2]
    for name, page in zip(('a', 'a-2', 'a-3'), pages, strict=True):
        with Image.open(tmp_path / f'out/pictures/{name}.png') as image:
            assert image.size == page.size


def test_a_video_of_varying_rate_is_named(infer, tmp_path):
    shots = [Image.new('RGB', (32, 32), (60 * i, 0, 0)) for i in range(4)]
    options = {'save_all': True, 'append_images': shots[1:]}
    shots[0].save(tmp_path / 'a.gif', duration=[100, 2000, 100, 100], **options)
    shots[0].save(tmp_path / 'b.gif', duration=200, **options)
    status, _, stderr, _ = infer(tmp_path / 'a.gif', tmp_path / 'b.gif')
    assert status == 0
    assert (
        f'{tmp_path / "a.gif"}: a.mp4 has no sound and a constant rate of 10' in stderr
    )
    assert 'b.mp4' not in stderr


def test_memory_is_bounded_by_pixels(infer, tmp_path, monkeypatch):
    """Large images are never held several at once, with their drawn copies."""
    monkeypatch.setattr(sys.modules['mmqcs.apis.fer_inferencer'], 'BATCH_PIXELS', 10**6)
    paths = [tmp_path / f'{i}.png' for i in range(4)]
    for path in paths:
        Image.new('L', (3000, 3000)).save(path)
    peaks = []
    for count in (1, 1, 4):  # the first loads what is loaded once
        shutil.rmtree(tmp_path / 'out', ignore_errors=True)
        tracemalloc.start()
        status, *_ = infer(*paths[:count])
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert status == 0
    size = 3 * 3000**2
    assert size < peaks[1] < 4 * size
    assert peaks[2] - peaks[1] < size / 2


def test_a_full_disk(model, folder, tmp_path):
    """A limit on the size of files stands for it: writing fails in the same place."""

    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))

    options = ['--faces', 'none', '--out', tmp_path / 'out', '--model', model]
    done = run(INFER, folder / 'sub/two.png', *options, preexec_fn=limit)
    assert done.returncode == 2
    assert f'writing to {tmp_path / "out"} failed: ' in done.stderr
    assert 'Traceback' not in done.stderr
    assert len(lines(tmp_path / 'out')) == 1  # what was written before stays


def test_ctrl_c_keeps_what_was_written(model, tmp_path):
    write_video(tmp_path / 'long.mp4', 4000)
    out = tmp_path / 'out'
    command = [sys.executable, INFER, tmp_path / 'long.mp4', '--model', model]
    process = subprocess.Popen(
        [*map(str, command), '--faces', 'none', '--out', str(out)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # a shell in the background has its children ignore it
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    deadline = time.monotonic() + 120
    table = out / 'results.jsonl'
    before = ''
    while before.count('\n') <= 5:
        assert process.poll() is None, process.stderr.read()
        assert time.monotonic() < deadline
        time.sleep(0.1)
        before = table.read_text() if table.is_file() else ''
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 130, stderr
    assert 'Traceback' not in stderr
    assert 'stopped before the end' in stderr
    assert table.read_text().startswith(before)
    count = len(lines(out))
    assert 5 < count < 4000
    capture = cv2.VideoCapture(str(out / 'pictures/long.mp4'))
    assert capture.get(cv2.CAP_PROP_FRAME_COUNT) >= count - 1
