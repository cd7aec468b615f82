"""face_framing.py as a user runs it, and its steps on known places."""

import cv2
import numpy as np
import pytest
from faces_case import write_untrained
from infer_case import CONFIG, run
from tool_helpers import ROOT, load_tool

from mmqcs.faces import Face

TOOL = ROOT / 'tools/misc/face_framing.py'


@pytest.fixture(scope='module')
def tool():
    return load_tool('misc/face_framing')


def test_crops_are_pasted_apart_and_found_again(tool):
    photo = np.zeros((200, 330, 3), np.uint8)
    crops = [np.full((48, 48, 3), 50 * (i + 1), np.uint8) for i in range(4)]

    class Squares:
        def detect(self, image):
            _, _, stats, _ = cv2.connectedComponentsWithStats(image[..., 0])
            found = [
                Face(np.array([x, y, x + w, y + h]), 1.0) for x, y, w, h, _ in stats
            ]
            # not the first crop, and something else
            return [*found[2:], Face(np.array([0, 0, 9, 9]), 1.0)]

    scene, corners = tool.paste(photo, crops, 40)
    assert len(set(corners)) == 4
    for (left, top), crop in zip(corners, crops, strict=True):
        assert (scene[top : top + 40, left : left + 40] == crop[0, 0]).all()
    assert (scene > 0).sum() == 4 * 40 * 40 * 3
    found, count, others, _ = tool.search(Squares(), [photo], crops, 40)
    assert sorted(found) == [1, 2, 3]
    assert (count, others) == (4, 1)
    for i, (image, face) in found.items():
        x, y = face.box.reshape(2, 2).mean(0).astype(int)
        assert image[y, x, 0] == crops[i][0, 0, 0]


@pytest.mark.slow
def test_the_table(rafdb_root, tmp_path):
    """Rendered crops in class folders, and a grey photograph."""
    names = ('Surprise', 'Fear', 'Disgust', 'Happiness', 'Sadness', 'Anger', 'Neutral')
    files = sorted(rafdb_root.rglob('*.jpg'))
    for i, path in enumerate(files[:14]):
        folder = tmp_path / 'faces' / names[i % 7].lower()
        folder.mkdir(parents=True, exist_ok=True)
        (folder / path.name).write_bytes(path.read_bytes())
    (tmp_path / 'photos').mkdir()
    grey = np.full((420, 420, 3), 128, np.uint8)
    cv2.imwrite(str(tmp_path / 'photos/grey.png'), grey)
    model = write_untrained(CONFIG, tmp_path / 'run.pth')
    folders = tmp_path / 'faces', tmp_path / 'photos'
    done = run(TOOL, *folders, '--model', model, '--sizes', 100)
    assert done.returncode == 0, done.stderr
    cells = [x.strip() for x in done.stdout.splitlines()[-1].strip('|').split('|')]
    assert cells[:2] == ['100', '14']
    assert float(cells[2].rstrip('%')) > 60
    assert cells[3] == '0'
    large = run(TOOL, *folders, '--model', model, '--sizes', 300)
    assert 'a photograph is too small for faces of 300 pixels' in large.stderr
    (tmp_path / 'faces/anger').rename(tmp_path / 'faces/rage')
    wrong = run(TOOL, *folders, '--model', model)
    assert wrong.returncode == 2
    assert 'rage' in wrong.stderr
