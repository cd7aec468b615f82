"""The weights that come with the package."""

import numpy as np
import pytest
import torch
from conftest import ROOT

from mmqcs.apis import FaceClassifier, FERInferencer
from mmqcs.checkpoints import DEFAULT_MODEL, load_classifier, sources
from mmqcs.datasets import FER2013

FILES = sorted((ROOT / 'mmqcs/weights').glob('*.pth'))


def test_the_default_model_is_one_of_them():
    assert DEFAULT_MODEL in FILES
    state = torch.load(DEFAULT_MODEL, weights_only=True)['state_dict']
    infer = FERInferencer(faces='none', device='cpu')
    for classify in (infer.classifier, FaceClassifier(device='cpu')):
        found = classify.model.state_dict()
        assert all(torch.equal(found[key], value) for key, value in state.items())


def test_a_missing_default_model_is_an_error_of_the_installation(monkeypatch, tmp_path):
    missing = tmp_path / 'default.pth'
    monkeypatch.setattr(sources, 'DEFAULT_MODEL', missing)
    with pytest.raises(FileNotFoundError, match=r'default\.pth.*install mmqcs again'):
        load_classifier(missing)
    with pytest.raises(FileNotFoundError, match=r'other\.pth \(looked in'):
        load_classifier(tmp_path / 'other.pth')


@pytest.fixture(params=FILES, ids=lambda path: path.stem)
def path(request):
    return request.param


def test_is_small_and_safe_to_load(path):
    assert path.stat().st_size <= 5e6
    checkpoint = torch.load(path, weights_only=True)
    assert checkpoint.keys() == {'meta', 'state_dict'}
    assert not any(key.startswith('cross.') for key in checkpoint['state_dict'])
    meta = checkpoint['meta']
    assert tuple(meta['dataset_meta']['classes']) == FER2013.METAINFO['classes']
    assert 'FER2013' in meta['note']
    for folder in ('/tmp', '/work', '/home', '/root'):
        assert folder not in meta['cfg']


def test_classifies_by_itself(path):
    classify = FaceClassifier(path)
    assert classify.classes == FER2013.METAINFO['classes']
    scores = classify([np.full((60, 50, 3), 128, np.uint8)])
    assert scores.shape == (1, 7)


def test_sees_photographs_in_grey(path):
    stem = torch.load(path, weights_only=True)['state_dict']['backbone.stem.0.weight']
    red, green, blue = stem.float().unbind(dim=1)
    torch.testing.assert_close(red / 0.299, green / 0.587, rtol=5e-3, atol=1e-4)
    torch.testing.assert_close(blue / 0.114, green / 0.587, rtol=5e-3, atol=1e-4)
