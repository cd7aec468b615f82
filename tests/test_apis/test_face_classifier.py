"""Classifiers by config, name and checkpoint; wrong ones are refused."""

import subprocess
import sys

import cv2
import numpy as np
import pytest
import torch
from conftest import ROOT
from mmengine import Config
from mmengine.runner import Runner
from mmpretrain.registry import MODELS

from mmqcs.apis import FaceClassifier, FERInferencer
from mmqcs.checkpoints.safe_load import CheckpointError
from mmqcs.synth.geometry import INDEX, Projector, rest_points

CONFIG = ROOT / 'configs/qcs/qcs_ir-small_synthfer.py'
RNG = np.random.default_rng(0)
FACES = [RNG.integers(0, 256, (s, s, 3), dtype=np.uint8) for s in (48, 100, 112, 150)]

random_weights = pytest.mark.filterwarnings('ignore:no checkpoint is given')


def config_of(num_classes=7):
    config = Config.fromfile(CONFIG)
    config.model.head.num_classes = num_classes
    return config


@pytest.fixture(scope='module')
def checkpoint(tmp_path_factory):
    """As a training run leaves it, the config inside."""
    torch.manual_seed(3)
    config = config_of()
    model = MODELS.build(config.model)
    path = tmp_path_factory.mktemp('classifier') / 'run.pth'
    meta = {
        'cfg': config.pretty_text,
        'dataset_meta': {'classes': tuple('abcdefg')},
    }
    torch.save({'meta': meta, 'state_dict': model.state_dict()}, path)
    return path


def test_a_checkpoint_alone(checkpoint):
    alone = FaceClassifier(checkpoint)
    assert alone.classes == tuple('abcdefg')
    both = FaceClassifier(CONFIG, checkpoint)
    scores = alone(FACES)
    assert scores.shape == (4, 7)
    np.testing.assert_allclose(scores.sum(1), 1, atol=1e-5)
    np.testing.assert_array_equal(scores, both(FACES))
    assert np.ptp(scores, axis=0).max() > 1e-4  # faces do not all look the same


def test_a_published_file_alone(checkpoint, tmp_path):
    tool = ROOT / 'tools/model_converters/publish_model.py'
    target = tmp_path / 'small.pth'
    subprocess.run([sys.executable, tool, checkpoint, target], check=True)
    (published,) = tmp_path.glob('small-*.pth')
    state = torch.load(published, weights_only=True)['state_dict']
    assert not any(key.startswith('cross.') for key in state)
    scores = FaceClassifier(published)(FACES)
    np.testing.assert_array_equal(scores, FaceClassifier(checkpoint)(FACES))


def test_batches_change_nothing(checkpoint):
    whole = FaceClassifier(checkpoint)(FACES)
    single = FaceClassifier(checkpoint, batch_size=1)(FACES)
    np.testing.assert_allclose(whole, single, atol=1e-6)
    assert FaceClassifier(checkpoint)([]).shape == (0, 7)


def test_scores_are_those_of_a_test_run(checkpoint, rafdb_root, tmp_path):
    """Test faces given by path, in whole, are classified as tools/test.py does."""
    config = config_of()
    config.merge_from_dict(
        dict(work_dir=str(tmp_path), test_dataloader=dict(num_workers=0))
    )
    config.test_dataloader.dataset.data_root = str(rafdb_root)
    config.test_dataloader.persistent_workers = False
    config.log_level = 'WARNING'
    config.visualizer = None
    dataset = Runner.build_dataloader(config.test_dataloader).dataset
    model = MODELS.build(config.model)
    model.load_state_dict(torch.load(checkpoint, weights_only=True)['state_dict'])
    model.eval()
    infer = FERInferencer(checkpoint, faces='none')
    paths = [dataset.get_data_info(i)['img_path'] for i in range(len(dataset))]
    found = [result.faces[0].scores for result in infer(paths)]
    for i, scores in enumerate(found):
        item = dataset[i]
        data = {'inputs': item['inputs'][None], 'data_samples': [item['data_samples']]}
        with torch.no_grad():
            (expected,) = model.test_step(data)
        np.testing.assert_allclose(scores, expected.pred_score.numpy(), atol=2e-3)


def test_a_name_alone_says_that_its_scores_are_random():
    with pytest.warns(UserWarning, match='the weights are random, and so are'):
        classifier = FaceClassifier('qcs_ir-small_synthfer')
    assert len(classifier.classes) == 7
    assert classifier.classes[0] == 'Surprise'


@random_weights
def test_classes_of_affectnet_7_leave_contempt_out():
    config = Config.fromfile(ROOT / 'configs/qcs/qcs_ir50_affectnet7.py')
    small = config_of().model
    config.model = small
    assert len(FaceClassifier(config).classes) == 7


def test_the_template_of_the_config_is_used(checkpoint):
    """It is that of the drawn faces, whose average geometry is known."""
    template = FERInferencer(checkpoint, faces='none').template
    points, project = rest_points(), Projector(1)
    expected = []
    for name in ('iris', 'nose_tip_mid', 'mouth_corner'):
        right = points[INDEX[name]]
        left = right * (-1, 1, 1)
        expected += [project(left), project(right)][: 1 if 'mid' in name else 2]
    np.testing.assert_allclose(template, expected, atol=0.002)
    other = FERInferencer(checkpoint, faces='none', template=template + 0.1)
    np.testing.assert_allclose(other.template, template + 0.1)


def test_wrong_models(checkpoint, tmp_path):
    with pytest.raises(FileNotFoundError, match=r'none\.py'):
        FaceClassifier(tmp_path / 'none.py')
    with pytest.raises(FileNotFoundError, match=r'none\.pth'):
        FaceClassifier(CONFIG, tmp_path / 'none.pth')
    with pytest.raises(FileNotFoundError, match=r'none\.pth'):
        FaceClassifier(tmp_path / 'none.pth')
    with pytest.raises(ValueError, match="no model is named 'qcs_ir99'"):
        FaceClassifier('qcs_ir99')
    with pytest.raises(ValueError, match=r'model\.onnx is not a config'):
        FaceClassifier('model.onnx')
    with pytest.raises(ValueError, match='batch_size must be at least 1, got 0'):
        FaceClassifier(checkpoint, batch_size=0)
    bare = tmp_path / 'bare.pth'
    torch.save(torch.load(checkpoint, weights_only=True)['state_dict'], bare)
    with pytest.raises(ValueError, match=r'bare\.pth holds no config: give the config'):
        FaceClassifier(bare)
    FaceClassifier(CONFIG, bare)  # but its weights are good
    (tmp_path / 'text.pth').write_text('text')
    with pytest.raises(CheckpointError, match='is a text file|but a text file'):
        FaceClassifier(tmp_path / 'text.pth')


def test_another_number_of_classes(checkpoint):
    with pytest.raises(CheckpointError, match=r'not fit.*\(7,.* in the file, \(8,'):
        FaceClassifier(config_of(8), checkpoint)


@random_weights
def test_classes_and_outputs_must_agree():
    with pytest.raises(ValueError, match=r'the model has 5 outputs, but 7 classes'):
        FaceClassifier(config_of(5))


def test_missing_weights_are_named(checkpoint, tmp_path):
    content = torch.load(checkpoint, weights_only=True)
    dropped = next(key for key in content['state_dict'] if key.startswith('backbone.'))
    del content['state_dict'][dropped]
    torch.save(content, tmp_path / 'x.pth')
    with pytest.raises(CheckpointError, match=f'{dropped} is missing'):
        FaceClassifier(tmp_path / 'x.pth')


def test_a_config_in_a_checkpoint_is_not_run(checkpoint, tmp_path):
    content = torch.load(checkpoint, weights_only=True)
    trap = tmp_path / 'trap'
    content['meta']['cfg'] += f'\nx = open({str(trap)!r}, "w")\n'
    torch.save(content, tmp_path / 'x.pth')
    with pytest.raises(CheckpointError, match='holds more than settings'):
        FaceClassifier(tmp_path / 'x.pth')
    assert not trap.exists()


def test_grey_files_are_read_as_in_training(checkpoint, tmp_path):
    path = tmp_path / 'grey.png'
    cv2.imwrite(str(path), FACES[1][..., 0])
    (result,) = FERInferencer(checkpoint, faces='none')(path)
    expected = FaceClassifier(checkpoint)([cv2.imread(str(path))])
    np.testing.assert_allclose(result.faces[0].scores, expected[0], atol=1e-6)
