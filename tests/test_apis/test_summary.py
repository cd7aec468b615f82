"""Summaries of videos, as tables, timelines and a report."""

import csv
import json
import tracemalloc

import cv2
import numpy as np
import pytest

from mmqcs.apis import summary as module
from mmqcs.apis.results import FaceExpression, ImageResult
from mmqcs.apis.summary import INTERVALS, LONGEST_FACES, VideoSummary
from mmqcs.apis.summary_writer import SummaryWriter
from mmqcs.faces import Face

CLASSES = ('Sad', 'Happy', 'Fear')
FACE = Face(np.array([0.0, 0, 20, 20]), 1.0)


def frame(time, source='v.mp4', rate=25.0, **labels):
    """A frame with faces: ``t1=0`` for class 0 of face 1."""
    faces = tuple(
        FaceExpression(FACE, label, CLASSES[label], np.eye(3)[label], int(name[1:]))
        for name, label in labels.items()
    )
    return ImageResult(source, CLASSES, faces, time=time, rate=rate)


def summarise(*results):
    summary = VideoSummary('v.mp4', CLASSES)
    for result in results:
        summary.add(result)
    summary.finish()
    return summary


def test_each_frame_counts_until_the_next():
    summary = summarise(
        frame(0, t1=0, t2=1),
        frame(1, t1=1),
        frame(4),
        frame(4.5, t2=1, t1=1),
        ImageResult('v.mp4', CLASSES, error='damaged'),
    )
    assert summary.to_dict() == {
        'source': 'v.mp4',
        'frames': 4,
        'seconds': 5.0,
        'seconds_with_faces': 4.5,
        'expressions': {'Sad': 0.1667, 'Happy': 0.8333, 'Fear': 0.0},
        'faces': [
            {
                'track': 1,
                'first': 0.0,
                'last': 5.0,
                'seconds': 4.5,
                'expressions': {'Sad': 0.2222, 'Happy': 0.7778, 'Fear': 0.0},
            },
            {
                'track': 2,
                'first': 0.0,
                'last': 5.0,
                'seconds': 1.5,
                'expressions': {'Sad': 0.0, 'Happy': 1.0, 'Fear': 0.0},
            },
        ],
    }
    one, _, total = summary.rows()
    assert one == [1, 0, 5, 4.5, 0.2222, 0.7778, 0]
    assert total == ['all', 0, 5, 4.5, 0.1667, 0.8333, 0]


def test_one_frame():
    assert summarise(frame(0, rate=4, t1=0)).to_dict()['seconds'] == 0.25
    assert summarise(frame(0, rate=None, t1=0)).to_dict()['seconds'] == 0.04


def test_no_face():
    summary = summarise(frame(0), frame(1))
    assert summary.rows() == []
    assert summary.timeline() is None
    assert summary.to_dict()['expressions'] == dict.fromkeys(CLASSES)


@pytest.mark.parametrize('length', [3.0, 49.9, 50.1, 777.0, 40_000.0])
def test_the_timeline_is_the_sum_of_the_frames(length):
    """Whatever the length, each interval has the time of its frames, by brute force."""
    rng = np.random.default_rng(0)
    times = np.sort(np.concatenate([[0], rng.uniform(0, length, 300)]))
    labels = rng.integers(0, 3, 301)
    seen = rng.random(301) < 0.7
    summary = summarise(
        *(
            frame(time, **({'t1': label} if shown else {}))
            for time, label, shown in zip(times, labels, seen, strict=True)
        )
    )
    seconds, width, names, classes = summary.timeline()
    assert (names, classes) == (['1'], CLASSES)
    assert seconds.shape[1] <= INTERVALS
    assert seconds.shape[1] == np.ceil(summary.seconds / width)
    expected = np.zeros(seconds.shape[1:])
    ends = np.append(times[1:], summary.seconds)
    for interval in range(seconds.shape[1]):
        low, high = interval * width, (interval + 1) * width
        shown = np.minimum(ends, high) - np.maximum(times, low)
        for label in range(3):
            expected[interval, label] = shown[(labels == label) & seen].clip(0).sum()
    np.testing.assert_allclose(seconds[0], expected, atol=1e-4 * length)
    total = np.diff(np.append(times, summary.seconds))[seen].sum()
    assert seconds.sum() == pytest.approx(total)


def test_the_faces_that_are_seen_longest_are_shown():
    results, time = [], 0.0
    for number in range(1, 51):
        results.append(frame(time, **{f't{number}': 1}))
        time += (number * 7) % 50 + 1
    summary = summarise(*results)
    names = summary.timeline().names
    lengths = {number: (number * 7) % 50 for number in range(1, 50)}
    lengths[50] = lengths[49]  # the last one as long as the one before
    longest = sorted(lengths, key=lambda number: -lengths[number])
    assert names == [str(x) for x in sorted(longest[:LONGEST_FACES])]


def test_memory_is_bounded(monkeypatch):
    """Many faces for a short time each, one for long, and a long video."""
    monkeypatch.setattr(module, '_TIMELINES', 20)
    summary = VideoSummary('v.mp4', CLASSES)
    sizes = []
    tracemalloc.start()
    for index in range(12_000):
        labels = {'t1': index % 3, f't{index // 10 + 2}': 0}
        summary.add(frame(index / 2, **labels))
        if index in (3000, 11_999):
            sizes.append(tracemalloc.get_traced_memory()[0])
    tracemalloc.stop()
    summary.finish()
    kept = [face for face in summary._faces.values() if face.intervals]
    assert len(kept) <= 21
    assert max(len(face.intervals) for face in kept) <= INTERVALS
    assert sizes[1] - sizes[0] < 900 * 600  # of 900 more faces
    assert '1' in summary.timeline().names
    assert len(summary.rows()) == 1200 + 2


def write(folder, *results):
    writer = SummaryWriter(folder, CLASSES)
    for result in results:
        writer.add(result)
    writer.close()


def test_rounding_fills_no_interval():
    """24 intervals of 0.1 seconds end a little after 2.4 seconds."""
    times = [0.04 * i for i in range(100)]
    summary = summarise(*(frame(t, **({'t1': 1} if t > 2.39 else {})) for t in times))
    seconds = summary.timeline().seconds[0].sum(1)
    assert np.flatnonzero(seconds)[0] == 24
    np.testing.assert_allclose(seconds[24:40], 0.1, rtol=1e-4)


def test_files_of_each_video(tmp_path):
    image = ImageResult('a.png', CLASSES)
    films = [frame(i / 25, t1=1, t2=i % 2) for i in range(10)]
    other = [frame(i / 25, 'x/<b>\n\udcff.mp4', t1=2) for i in range(3)]
    empty = [frame(i / 25, 'empty.mp4') for i in range(3)]
    error = ImageResult('v.mp4', CLASSES, error='damaged')
    write(tmp_path, image, *films, error, *other, *films, image, *empty)
    names = {x.relative_to(tmp_path).as_posix() for x in tmp_path.rglob('*.*')}
    assert names == {
        *('summary.csv', 'summary.json', 'report.html'),
        *('timelines/v.png', 'timelines/v-2.png', 'timelines/<b>__.png'),
    }
    records = json.loads((tmp_path / 'summary.json').read_text())
    assert [record['source'] for record in records] == [
        *('v.mp4', 'x/<b>\n\udcff.mp4', 'v.mp4', 'empty.mp4')
    ]
    with (tmp_path / 'summary.csv').open(newline='') as file:
        rows = list(csv.DictReader(file))
    assert [row['track'] for row in rows] == [
        '1',
        '2',
        'all',
        '1',
        'all',
        '1',
        '2',
        'all',
    ]
    assert rows[0]['share_Happy'] == '1.0'
    assert rows[3]['source'] == r'x/<b>\n\udcff.mp4'
    page = (tmp_path / 'report.html').read_text()
    assert page.count('<img') == 3
    assert '<h2>x/&lt;b&gt;\\n\\udcff.mp4</h2>' in page
    assert page.count('No face was found') == 1
    assert '<script' not in page
    assert cv2.imread(str(tmp_path / 'timelines/v.png')).std() > 10


def test_rows_are_written_when_a_video_ends(tmp_path):
    writer = SummaryWriter(tmp_path, CLASSES)
    writer.add(frame(0, t1=1))
    assert not list(tmp_path.iterdir())
    writer.add(frame(0, 'w.mp4', t1=1))
    assert (tmp_path / 'summary.csv').read_text().count('v.mp4') == 2


def test_images_have_no_summary(tmp_path):
    write(
        tmp_path, ImageResult('a.png', CLASSES), ImageResult('b.tif', CLASSES, index=3)
    )
    assert not list(tmp_path.iterdir())


def test_many_faces_are_left_to_the_table(tmp_path):
    numbers = {f't{i}': i % 3 for i in range(1, 31)}
    write(tmp_path, frame(0, **numbers), frame(1, **numbers))
    page = (tmp_path / 'report.html').read_text()
    assert '10 faces that were seen for less time' in page
    assert len((tmp_path / 'summary.csv').read_text().splitlines()) == 32
