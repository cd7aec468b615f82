"""Scalars and images for TensorBoard and Weights & Biases."""

from importlib.util import find_spec

import pytest
from mmengine.runner import Runner
from mmengine.visualization import WandbVisBackend
from mmpretrain.registry import VISUALIZERS
from mmpretrain.visualization import UniversalVisualizer
from small_run import config, validations


@pytest.mark.skipif(find_spec('tensorboard') is None, reason='needs tensorboard')
def test_tensorboard_gets_what_the_log_gets(tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    cfg = config(tmp_path)
    cfg.test_evaluator.confusion_matrix = True
    backends = [dict(type='LocalVisBackend'), dict(type='TensorboardVisBackend')]
    cfg.visualizer.vis_backends = backends
    runner = Runner.from_cfg(cfg)
    runner.train()
    runner.test()
    events = EventAccumulator(f'{runner.log_dir}/vis_data').Reload()
    tags = events.Tags()
    assert {'loss', 'lr', 'accuracy/top1', 'accuracy/mean_class'} <= set(
        tags['scalars']
    )
    assert len(events.Scalars('loss')) == 6  # of three epochs of two iterations
    logged = {step: r['accuracy/top1'] for step, r in validations(runner).items()}
    written = {e.step: e.value for e in events.Scalars('accuracy/top1')}
    assert written == pytest.approx(logged)
    assert tags['images'] == ['confusion_matrix']


def test_a_config_with_weights_and_biases_builds(tmp_path):
    """The package is imported when the first value is written, not before."""
    arguments = dict(project='qcs', mode='offline')
    visualizer = VISUALIZERS.build(
        dict(
            type='UniversalVisualizer',
            name=f'wandb {tmp_path}',
            save_dir=str(tmp_path),
            vis_backends=[dict(type='WandbVisBackend', init_kwargs=arguments)],
        )
    )
    assert isinstance(visualizer, UniversalVisualizer)
    (backend,) = visualizer._vis_backends.values()
    assert isinstance(backend, WandbVisBackend)
    if find_spec('wandb') is None:
        with pytest.raises(ImportError, match='pip install wandb'):
            visualizer.add_scalar('loss', 1.0)
