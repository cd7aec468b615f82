"""What the page computes for videos."""

import csv
import tempfile
from pathlib import Path
from threading import Lock

import numpy as np
import pytest
import torch
from demo_case import CONFIG, KnownFaces
from faces_case import write_untrained
from video_case import pitch_of, sound_of, write_video

from mmqcs.apis import FERInferencer

pytest.importorskip('gradio', reason="the page needs gradio: pip install 'mmqcs[demo]'")

import gradio as gr

from mmqcs.demo import video
from mmqcs.demo.video import HINT, SIDE, Video
from mmqcs.media.videos import video_frames, video_info

BOXES = [(5, 5, 35, 35), (40, 8, 60, 28)]
"""Faces of frames of 64x48."""


@pytest.fixture(scope='module')
def infer(tmp_path_factory):
    torch.manual_seed(1)
    file = write_untrained(CONFIG, tmp_path_factory.mktemp('demo') / 'run.pth')
    return FERInferencer(file, faces=KnownFaces({(64, 48): BOXES}))


@pytest.fixture
def handlers(infer, tmp_path, monkeypatch):
    """Event handlers, whose files are in the folder ``kept``."""
    (tmp_path / 'kept').mkdir()
    monkeypatch.setattr(tempfile, 'tempdir', str(tmp_path / 'kept'))
    return Video(infer, Lock())


@pytest.fixture
def film(tmp_path):
    """Two seconds with two faces, and with sound."""
    return write_video(tmp_path / 'a film.mp4', grey(20), rate=10, sounds=['aac'])


def grey(count, size=(48, 64)):
    return [np.full((*size, 3), 99, np.uint8)] * count


def last(handlers, path):
    *_, outputs = handlers.analyse(str(path))
    return outputs


def test_a_video_with_faces(handlers, film):
    status, stop, drawn, timeline, table, file, results = last(handlers, film)
    assert status == '2 faces in 20 frames, 2.0 seconds.'
    assert not stop['visible']
    assert results['visible']
    # the drawn video has all frames, boxes and the sound
    assert Path(drawn).name == 'a film_faces.mp4'
    assert video_info(drawn).count == 20
    pairs = zip(
        *(video_frames(x, 'a', 1) for x in (str(film), drawn)),
        strict=True,
    )
    assert all(np.abs(a.image - 1.0 - b.image).mean() > 5 for a, b in pairs)
    assert pitch_of(sound_of(drawn)[0]) == pytest.approx(300, abs=10)
    # colours in the timeline, shares that add up in the table
    assert np.ptp(timeline.astype(int), axis=2).max() > 60
    assert table['headers'] == ['Face', 'Seconds', *handlers.infer.classes]
    assert [row[0] for row in table['data']] == ['1', '2', 'all']
    for row in table['data']:
        assert row[1] == '2.0'
        assert sum(int(x.removesuffix(' %')) for x in row[2:]) in range(97, 104)
    with open(file, newline='') as lines:
        head, *rows = csv.reader(lines)
    assert head == ['track', 'first', 'last', 'seconds', *handlers.infer.classes]
    for row, shown in zip(rows, table['data'], strict=True):
        assert row[0] == shown[0]
        assert [f'{100 * float(x):.0f} %' for x in row[4:]] == shown[2:]


def test_progress_is_reported(handlers, film, monkeypatch):
    monkeypatch.setattr(video, 'INTERVAL', 0)
    *reports, _ = handlers.analyse(str(film))
    values = [int(r[0].partition('value="')[2].partition('"')[0]) for r in reports]
    assert values == sorted(values)
    assert values[0] == 0
    assert values[-1] > 90
    assert all(report[1]['visible'] for report in reports)


def test_work_that_is_stopped_leaves_nothing(handlers, film, tmp_path, monkeypatch):
    monkeypatch.setattr(video, 'INTERVAL', 0)
    reports = handlers.analyse(str(film))
    for _ in range(12):
        next(reports)
    assert list((tmp_path / 'kept').rglob('*.mp4'))
    reports.close()
    assert not list((tmp_path / 'kept').iterdir())
    assert not handlers.lock.locked()


def test_others_work_between_two_batches(handlers, film, monkeypatch):
    monkeypatch.setattr(video, 'INTERVAL', 0)
    free = [not handlers.lock.locked() for _ in handlers.analyse(str(film))]
    assert len(free) > 10
    assert all(free)


def test_the_start_of_a_long_video(handlers, film, monkeypatch):
    for name, most in (('MAX_SECONDS', 1), ('MAX_FRAMES', 11)):
        with monkeypatch.context() as patch:
            patch.setattr(video, name, most)
            status, _, drawn, *_ = last(handlers, film)
        assert status.startswith('2 faces in 11 frames, 1.1 seconds. The video is long')
        assert video_info(drawn).count == 11
        # no sound without frames
        assert len(sound_of(drawn)[0]) / 48_000 == pytest.approx(1.1, abs=0.1)


def test_of_a_fast_video_every_second_frame(handlers, tmp_path):
    path = write_video(tmp_path / 'a.mp4', grey(60), rate=60)
    status, _, drawn, *_ = last(handlers, path)
    assert status == '2 faces in 30 frames, 1.0 seconds.'
    assert video_info(drawn).length == pytest.approx(1, abs=0.1)


def test_large_frames_are_reduced(handlers, tmp_path):
    path = write_video(tmp_path / 'a.mp4', grey(2, (120, SIDE + 320)))
    status, _, drawn, *_, results = last(handlers, path)
    assert status == 'No face was found in 2 frames, 0.4 seconds.'
    assert not results['visible']
    (frame, _) = video_frames(drawn, 'a', 1)
    assert frame.image.shape == (96, SIDE, 3)


def test_nothing_and_bad_files(handlers, tmp_path):
    ((status, stop, *values, results),) = handlers.analyse(None)
    assert status == HINT
    assert values == [None] * 4
    assert not stop['visible']
    assert not results['visible']
    (tmp_path / 'a.png').write_bytes(b'text')
    sound = write_video(tmp_path / 'a.mp4', 0, sounds=['aac'], seconds=1)
    for path, message in (
        (tmp_path / 'a.png', 'the upload is not a video'),
        (sound, 'the upload .* frames'),
        (tmp_path / 'none.mp4', 'the upload'),
    ):
        with pytest.raises(gr.Error, match=message) as caught:
            last(handlers, path)
        assert str(tmp_path) not in str(caught.value)
    assert not list((tmp_path / 'kept').iterdir())


def test_of_a_damaged_video_what_can_be_read(handlers, film, tmp_path):
    path = write_video(tmp_path / '<b>.avi', grey(30), rate=10)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    status, _, drawn, *_ = last(handlers, path)
    assert drawn
    assert '2 faces in' in status
    assert 'the upload is damaged' in status
    assert '<' not in status
