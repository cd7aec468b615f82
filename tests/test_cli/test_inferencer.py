"""The options of the inferencer reach its parts."""

import argparse

import pytest
from conftest import ROOT
from faces_case import write_untrained

from mmqcs.cli import inferencer
from mmqcs.cli.inferencer import add_inferencer_options, build_inferencer
from mmqcs.datasets import FER2013

CONFIG = ROOT / 'configs/qcs/qcs_ir-small_synthfer.py'
DETECTOR = ('--faces', 'mmdet', '--face-model', 'x.py', '--face-checkpoint', 'x.pth')


@pytest.fixture(scope='module')
def checkpoint(tmp_path_factory):
    return write_untrained(CONFIG, tmp_path_factory.mktemp('model') / 'run.pth')


def build(*args):
    parser = argparse.ArgumentParser()
    add_inferencer_options(parser, model='the model')
    return build_inferencer(parser.parse_args([*map(str, args)]), batch_size=3)


@pytest.mark.parametrize('device', [None, 'cpu'])
def test_detector_and_classifier_are_given_one_device(checkpoint, monkeypatch, device):
    class Recorder:
        def __init__(self, config, checkpoint, **options):
            self.given = (config, checkpoint, options)

    entry = Recorder, ('face_model', 'face_checkpoint')
    monkeypatch.setitem(inferencer._DETECTORS, 'mmdet', entry)
    chosen = () if device is None else ('--device', device)
    infer = build('--model', checkpoint, *DETECTOR, '--score-thr', 0.5, *chosen)
    options = {'device': device, 'score_thr': 0.5}
    assert infer.detector.given == ('x.py', 'x.pth', options)
    assert infer.classifier.batch_size == 3


def test_config_and_weights(checkpoint):
    infer = build('--model', CONFIG, '--checkpoint', checkpoint, '--faces', 'none')
    assert len(infer.classes) == 7


@pytest.mark.parametrize('model', ['qcs_ir50_raf', CONFIG, 'weights'])
def test_random_weights_are_refused(model):
    with pytest.raises(ValueError, match=f'{model} is not a checkpoint.*--checkpoint'):
        build('--model', model, '--faces', 'none')


def test_the_default_model_is_the_one_that_comes_with_the_package():
    infer = build('--faces', 'none')
    assert infer.classes == FER2013.METAINFO['classes']
    with pytest.raises(ValueError, match=r'--model CONFIG as well.*--model run\.pth'):
        build('--checkpoint', 'run.pth', '--faces', 'none')


def test_trust_is_passed_on(checkpoint):
    with pytest.warns(UserWarning, match=r'run\.pth is trusted'):
        build('--model', checkpoint, '--faces', 'none', '--trust-checkpoint')
