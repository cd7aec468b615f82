"""MMPretrain's own tools and interfaces on a config of this package."""

import pickle
import subprocess
import sys
from pathlib import Path

import mmpretrain
import pytest
import torch
from mmengine import Config
from mmengine.hooks import EMAHook
from mmengine.runner import Runner
from mmpretrain import FeatureExtractor, ImageClassificationInferencer, get_model
from upstream import needs_vis_cam, needs_vis_tsne, stock_checkpoints

from mmqcs.datasets import RAFDB

ROOT = Path(__file__).resolve().parents[2]
SMALL = ROOT / 'configs/qcs/qcs_ir-small_synthfer.py'
TOOLS = Path(mmpretrain.__file__).parent / '.mim/tools'

pytestmark = pytest.mark.slow


@pytest.fixture(scope='module', autouse=True)
def loadable():
    with stock_checkpoints():
        yield


@pytest.fixture(scope='module')
def stock(tmp_path_factory, rafdb_root):
    """Runs a stock tool in a folder with the config, data named, as small.py."""
    folder = tmp_path_factory.mktemp('stock')
    loaders = '\n'.join(
        f'{split}_dataloader = dict(num_workers=0, persistent_workers=False, '
        f'batch_size=7, dataset=dict(data_root={str(rafdb_root)!r}))'
        for split in ('train', 'val', 'test')
    )
    (folder / 'small.py').write_text(
        f'_base_ = {str(SMALL)!r}\n{loaders}\n'
        'default_hooks = dict(logger=dict(interval=1), report=dict(enable=False))\n'
        'train_cfg = dict(max_epochs=2)\n'
    )

    def run(tool, *args, check=True):
        done = subprocess.run(
            [sys.executable, str(TOOLS / tool), *map(str, args)],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=300,
        )
        if check:
            assert done.returncode == 0, done.stderr[-2000:]
        return done

    run.folder = folder
    return run


@pytest.fixture(scope='module')
def trained(stock):
    """Trained and tested by the stock tools; gives the folder."""
    stock('train.py', 'small.py', '--work-dir', 'run')
    stock('test.py', 'small.py', 'run/epoch_2.pth', '--out', 'pred.pkl')
    return stock.folder


@pytest.fixture(scope='module')
def model(trained):
    """The trained model, as ``get_model`` gives it."""
    return get_model(trained / 'small.py', pretrained=str(trained / 'run/epoch_2.pth'))


@pytest.fixture
def image(rafdb_root):
    return str(next(rafdb_root.rglob('test_*.jpg')))


def log(folder):
    return next(folder.glob('run/*/vis_data/scalars.json'))


def test_train_and_test(trained):
    assert (trained / 'run/epoch_2.pth').is_file()
    predictions = pickle.loads((trained / 'pred.pkl').read_bytes())
    assert len(predictions) == 14
    assert predictions[0]['pred_score'].shape == (7,)


def test_analyze_logs(stock, trained):
    tool = 'analysis_tools/analyze_logs.py'
    keys = ['--keys', 'loss_base', 'loss_cross', 'accuracy/top1']
    stock(tool, 'plot_curve', log(trained), *keys, '--out', 'curve.png')
    assert (trained / 'curve.png').stat().st_size > 1000
    assert 'iter' in stock(tool, 'cal_train_time', log(trained)).stdout


def test_analyze_results(stock, trained):
    tool = 'analysis_tools/analyze_results.py'
    stock(tool, 'small.py', 'pred.pkl', '--out-dir', 'results', '--topk', 3)
    assert list((trained / 'results').rglob('*.png'))


def test_confusion_matrix(stock, trained):
    args = ['small.py', 'pred.pkl', '--show-path', 'matrix.png']
    stock('analysis_tools/confusion_matrix.py', *args)
    assert (trained / 'matrix.png').is_file()


def test_eval_metric(stock, trained):
    args = ['pred.pkl', '--metric', 'type=Accuracy', 'topk=1']
    assert 'accuracy/top1' in stock('analysis_tools/eval_metric.py', *args).stdout


def test_get_flops(stock, trained):
    done = stock('analysis_tools/get_flops.py', 'small.py', '--shape', 64, 64)
    assert 'Flops: 58.' in done.stdout


@needs_vis_cam
def test_vis_cam(stock, trained, image):
    args = [image, 'small.py', 'run/epoch_2.pth', '--save-path', 'cam.png']
    stock('visualization/vis_cam.py', *args)
    assert (trained / 'cam.png').is_file()


@needs_vis_tsne
def test_vis_tsne(stock, trained):
    args = ['--checkpoint', 'run/epoch_2.pth', '--work-dir', 'tsne', '--perplexity', 3]
    stock('visualization/vis_tsne.py', 'small.py', *args)
    assert list((trained / 'tsne').rglob('*.png'))


def test_vis_scheduler(stock, trained):
    args = ['small.py', '--save-path', 'lr.png', '--not-show', '--dataset-size', 28]
    stock('visualization/vis_scheduler.py', *args)
    assert (trained / 'lr.png').is_file()


def test_browse_dataset(stock, trained):
    """Of its modes only this one works with matplotlib ≥ 3.8; ours draws the rest."""
    args = ['small.py', '--output-dir', 'browse', '--not-show', '--show-number', 3]
    stock('visualization/browse_dataset.py', *args, '--mode', 'original')
    assert len(list((trained / 'browse').rglob('*.jpg'))) == 3


def test_verify_dataset(stock, trained):
    """It asks for ``LoadImageFromFile``, which test pipelines have.

    tools/misc/check_dataset.py of this package checks all splits.
    """
    args = ['small.py', '--phase', 'test', '--out-path', 'broken.log']
    assert 'no broken file' in stock('misc/verify_dataset.py', *args).stdout


def test_print_config(stock, trained):
    assert 'mmqcs.QCSClassifier' in stock('misc/print_config.py', 'small.py').stdout


def test_get_model(model):
    assert model.ring.size == 4
    assert not model.training


def test_inferencer(model, image):
    result = ImageClassificationInferencer(model)(image)[0]
    assert len(result['pred_scores']) == 7
    assert result['pred_class'] in RAFDB.METAINFO['classes']


def test_feature_extractor(model, image):
    (features,) = FeatureExtractor(model)(image, stage='neck')
    assert features[-1].shape == (49, 96)


def train_with(folder, work_dir, **changes):
    cfg = Config.fromfile(folder / 'small.py')
    cfg.merge_from_dict(dict(changes, work_dir=str(work_dir)))
    cfg.train_cfg.max_epochs = 1
    cfg.default_hooks.checkpoint.save_best = None
    runner = Runner.from_cfg(cfg)
    runner.train()
    return runner


def test_ema(trained, tmp_path):
    hook = dict(type='EMAHook', momentum=0.1)
    runner = train_with(trained, tmp_path, custom_hooks=[hook])
    assert any(isinstance(hook, EMAHook) for hook in runner.hooks)
    kept = torch.load(tmp_path / 'epoch_1.pth', weights_only=False)
    name = 'backbone.stem.0.weight'
    averaged = kept['ema_state_dict'][f'module.{name}']
    assert not torch.equal(averaged, kept['state_dict'][name])


def test_precise_bn(trained, tmp_path):
    """The stock hook divides by a batch size that batch samplers leave unset."""
    hook = dict(type='PreciseBNHook', num_samples=28, priority='ABOVE_NORMAL')
    with pytest.raises(TypeError, match='NoneType'):
        train_with(trained, tmp_path, custom_hooks=[hook])
    plain = train_with(trained, tmp_path)
    precise = train_with(
        trained, tmp_path, custom_hooks=[dict(hook, type='mmqcs.PreciseBNHook')]
    )
    name = 'backbone.stem.1.running_mean'
    buffers = [runner.model.get_buffer(name) for runner in (plain, precise)]
    assert not torch.allclose(*buffers)
    with pytest.raises(ValueError, match='at least a batch of 28 images, got 27'):
        hook = dict(type='mmqcs.PreciseBNHook', num_samples=27)
        train_with(trained, tmp_path, custom_hooks=[hook])
