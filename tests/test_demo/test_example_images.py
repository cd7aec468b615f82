"""Example images of the page."""

import sys

import pytest

from mmqcs.apis import FERInferencer
from mmqcs.checkpoints import DEFAULT_MODEL
from mmqcs.demo.examples import find_portrait, write_examples


def test_with_and_without_the_photograph(tmp_path, monkeypatch):
    missing = tmp_path / 'missing'
    missing.mkdir()
    monkeypatch.setattr('mmqcs.demo.examples.find_spec', lambda name: None)
    (scenes,) = write_examples(missing).values()
    assert len(scenes) == 3
    # scikit-image without its data
    monkeypatch.undo()
    (tmp_path / 'skimage').mkdir()
    (tmp_path / 'skimage/__init__.py').touch()
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, 'skimage', raising=False)
    assert find_portrait() is None
    (tmp_path / 'skimage/data').mkdir()
    (tmp_path / 'skimage/data/astronaut.png').write_bytes(b'png')
    photographs, _ = write_examples(tmp_path).values()
    assert [path.read_bytes() for path in photographs] == [b'png']


@pytest.mark.slow
def test_the_faces_of_the_examples_are_found(tmp_path):
    infer = FERInferencer(DEFAULT_MODEL)
    *photographs, scenes = write_examples(tmp_path).values()
    found = [infer(path)[0].faces for path in scenes]
    assert [len(faces) for faces in found] == [2, 4, 4]
    for path in (path for group in photographs for path in group):
        ((face,),) = (result.faces for result in infer(path))
        best = face.scores.argsort()[-2:]
        assert 'Happy' in [infer.classes[i] for i in best]
