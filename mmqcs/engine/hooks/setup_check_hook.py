"""Checks that the parts of a run fit together before it starts."""

from collections.abc import Sequence
from typing import Any

from mmengine.evaluator import Evaluator
from mmengine.hooks import CheckpointHook, Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner

from mmqcs.engine.class_check import check_classes
from mmqcs.registry import DATASETS, HOOKS


@HOOKS.register_module()
class SetupCheckHook(Hook):
    """Checks, before the first iteration, that the parts of a run fit together.

    - Heads, preprocessors and all datasets have the same number of classes. The
      datasets of all splits have the same classes in the same order.
    - Every label is one of the classes.
    - ``save_best`` of the checkpoint hook names a metric.

    Raises:
        ValueError: Before training: two parts do not fit. Names both and what to set.

    Examples:
        >>> from mmqcs.registry import HOOKS
        >>> HOOKS.build(dict(type='mmqcs.SetupCheckHook')).started
        False
    """

    priority = 'VERY_HIGH'

    def __init__(self) -> None:
        self.started = False
        """Whether the first iteration is complete."""

    def before_train(self, runner: Runner) -> None:
        """Check the set-up."""
        datasets = {'train_dataloader': runner.train_dataloader.dataset}
        if runner.val_loop is not None:
            datasets['val_dataloader'] = runner.val_loop.dataloader.dataset
        test = _test_dataset(runner)
        if test is not None:
            datasets['test_dataloader'] = test
        model = runner.model
        check_classes(model.module if is_model_wrapper(model) else model, datasets)
        if runner.val_loop is not None:
            for hook in runner.hooks:
                if isinstance(hook, CheckpointHook):
                    _check_save_best(hook.save_best or (), runner.val_loop.evaluator)

    def after_train_iter(self, runner: Runner, batch_idx: int, **_: Any) -> None:
        """Record that an iteration succeeded."""
        self.started = True


def _test_dataset(runner: Runner) -> Any:
    """Return the test dataset without its images, or None if it is that of val."""
    loader = runner.cfg.get('test_dataloader')
    if not loader or loader == runner.cfg.get('val_dataloader'):
        return None
    config = loader.get('dataset')
    if not isinstance(config, dict):
        return None
    try:
        return DATASETS.build({**config, 'lazy_init': True})
    except TypeError:  # not a subclass of MMEngine's BaseDataset
        return None


def _check_save_best(names: Sequence[str], evaluator: Evaluator) -> None:
    """Compare ``save_best`` with the names of an evaluator's metrics."""
    known: list[str] = []
    for metric in evaluator.metrics:
        listed = getattr(metric, 'metric_names', None)
        prefix = f'{metric.prefix}/' if metric.prefix else ''
        if listed is None and not prefix:
            return  # the names of this metric are unknown
        known += [f'{prefix}{name}' for name in listed or ('*',)]
    for name in names:
        start = name.rpartition('/')[0] + '/*'
        if name != 'auto' and name not in known and start not in known:
            raise ValueError(
                f'save_best={name!r} in default_hooks.checkpoint is not a metric of '
                f'val_evaluator. Its metrics are {", ".join(known)}'
            )
