"""Checks before the first iteration, with stand-ins for a runner."""

from types import SimpleNamespace

import pytest
import torch
from mmengine.evaluator import BaseMetric, Evaluator
from mmengine.hooks import CheckpointHook

from mmqcs.engine import SetupCheckHook
from mmqcs.evaluation import FERMetric


class Unnamed(BaseMetric):
    def process(self, data_batch, data_samples):
        """Not called: only the names of metrics are compared."""

    compute_metrics = process


def dataset(*classes, labels=(0, 1)):
    metainfo = dict(classes=classes)
    return SimpleNamespace(
        metainfo=metainfo, get_gt_labels=lambda: torch.tensor(labels).numpy()
    )


def run(save_best='accuracy/top1', metric=None, val=('Happy', 'Sad'), **cfg):
    metric = metric or FERMetric()
    loop = SimpleNamespace(
        dataloader=SimpleNamespace(dataset=dataset(*val)),
        evaluator=Evaluator([metric]),
    )
    model = torch.nn.Module()
    model.head = SimpleNamespace(num_classes=2)
    runner = SimpleNamespace(
        train_dataloader=SimpleNamespace(dataset=dataset('Happy', 'Sad')),
        val_loop=loop if val else None,
        model=model,
        hooks=[
            CheckpointHook(save_best=save_best, rule='greater' if save_best else None)
        ],
        cfg=cfg,
    )
    SetupCheckHook().before_train(runner)


@pytest.mark.parametrize('name', ['accuracy/top1', 'accuracy/mean_class', 'auto', None])
def test_metrics_that_exist(name):
    run(name)


def test_a_metric_that_does_not_exist():
    with pytest.raises(ValueError, match=r"save_best='top1' .* accuracy/top1, "):
        run('top1')


def test_a_metric_with_a_prefix_and_unknown_names():
    run('other/anything', Unnamed(prefix='other'))
    with pytest.raises(ValueError, match=r'Its metrics are other/\*'):
        run('accuracy/top1', Unnamed(prefix='other'))


def test_a_metric_without_a_name_can_be_anything():
    run('anything', Unnamed())


def test_without_validation_nothing_is_compared():
    run('anything', val=())


def test_classes_of_another_order():
    with pytest.raises(ValueError, match='val_dataloader'):
        run(val=('Sad', 'Happy'))


def test_the_test_split_is_compared_where_it_is_another():
    with pytest.raises(ValueError, match='test_dataloader'):
        run(
            test_dataloader=dict(
                dataset=dict(
                    type='BaseDataset',
                    ann_file='missing.json',
                    metainfo=dict(classes=('Happy', 'Angry')),
                )
            )
        )
    run(test_dataloader=dict(dataset=[1, 2]))
    run(test_dataloader=dict(dataset=dict(type='KFoldDataset')))


def test_the_first_iteration_is_recorded():
    hook = SetupCheckHook()
    hook.after_train_iter(SimpleNamespace(), 0)
    assert hook.started
