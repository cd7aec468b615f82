"""What ``mmqcs infer`` prints; test_tools/test_infer.py runs it on files."""

import os
import pty
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from conftest import ROOT
from faces_case import scene

from mmqcs.apis import FaceExpression, ImageResult
from mmqcs.commands.infer import VideoLine, describe_image, free_folder
from mmqcs.faces import Face

CLASSES = 'Sad', 'Happy'


def expression(score, *box):
    """A face that is happy with this score."""
    scores = np.array([1 - score, score])
    label = int(scores.argmax())
    return FaceExpression(Face(np.array(box), 0.9), label, CLASSES[label], scores)


def test_an_image_is_a_line_per_face():
    faces = expression(0.966, 177.4, 64.6, 269.0, 185.5), expression(0.2, -3, 0, 9, 9)
    result = ImageResult('a.png', CLASSES, faces)
    assert describe_image(result) == [
        'a.png  face 1  Happy 97 %  (at 177,65 size 92x121)',
        'a.png  face 2  Sad 80 %  (at -3,0 size 12x9)',
    ]
    page = ImageResult('a.tif', CLASSES, faces[1:], index=4)
    assert describe_image(page) == [
        'a.tif frame 4  face 1  Sad 80 %  (at -3,0 size 12x9)'
    ]


def test_an_image_without_a_face_is_a_line():
    assert describe_image(ImageResult('a\n.png', CLASSES)) == [r'a\n.png  no face']
    result = ImageResult('a.png', CLASSES, note='upside down?')
    assert describe_image(result) == ['a.png  upside down?']


def test_a_video_is_a_line_at_its_end(capsys):
    happy = replace(expression(0.9, 0, 0, 9, 9), track=1)
    sad = replace(expression(0.1, 9, 0, 18, 9), track=2)
    videos = {'a.mp4': [(happy, sad), (happy,), ()], 'b.mp4': [()]}
    video = VideoLine(CLASSES)
    for source in ('a.mp4', 'a.mp4', 'b.mp4'):  # twice the same is two lines
        for index, faces in enumerate(videos[source]):
            video.add(ImageResult(source, CLASSES, faces, time=index / 10))
    first = 'a.mp4  0.3 s  2 faces  Happy 67 %, Sad 33 %\n'
    assert capsys.readouterr().out == 2 * first
    video.end()
    video.end()
    assert capsys.readouterr().out == 'b.mp4  0.0 s  no face\n'


def test_the_default_folder_has_no_results_yet(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ('infer', 'infer_2', 'infer_3'):
        assert free_folder() == Path('work_dirs') / name
        path = Path('work_dirs', name)
        path.mkdir(parents=True)
        assert free_folder() == path  # empty
        (path / 'results.jsonl').touch()


@pytest.mark.slow
def test_results_reach_a_file_although_progress_is_shown(tmp_path):
    cv2.imwrite(str(tmp_path / 'a.png'), scene(0)[0])
    master, terminal = pty.openpty()
    done = subprocess.run(
        [sys.executable, '-m', 'mmqcs', 'a.png', '--faces', 'none'],
        cwd=tmp_path,
        env={**os.environ, 'PYTHONPATH': str(ROOT), 'TERM': 'xterm'},
        stdout=subprocess.PIPE,
        stderr=terminal,
        text=True,
    )
    os.close(terminal)
    shown = os.read(master, 100_000).decode()
    os.close(master)
    assert done.returncode == 0, shown
    assert done.stdout.startswith('a.png  face 1  ')
    assert done.stdout.count('\n') == 1
    assert 'a.png  face' not in shown
    assert '1/1' in shown
