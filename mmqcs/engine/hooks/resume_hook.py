"""Resumes a run safely, also on another number of processes."""

from typing import Any

from mmengine.dist import get_world_size
from mmengine.hooks import Hook
from mmengine.optim import _ParamScheduler
from mmengine.runner import EpochBasedTrainLoop, Runner

from mmqcs.registry import HOOKS


def pending_iteration_schedules(
    schedulers: list[_ParamScheduler] | dict[str, list[_ParamScheduler]] | None,
) -> list[str]:
    """Names the schedules that count iterations and are not at their end.

    Args:
        schedulers: As a runner holds them.
    """
    if isinstance(schedulers, dict):
        schedulers = [item for group in schedulers.values() for item in group]
    return [
        type(item).__name__
        for item in schedulers or ()
        if not item.by_epoch and item._global_step < item.end
    ]


@HOOKS.register_module()
class ResumeHook(Hook):
    """Makes epochs go on where they were when the number of processes changes.

    A checkpoint counts epochs and iterations, but an epoch has fewer iterations on
    more processes (or in larger batches). The hook writes the number of processes
    and of batches an epoch into checkpoints. Where a resumed run has another number
    of batches, it moves the iteration count to that of the epoch and warns.

    Learning rates are not changed. What is drawn from then on (anchors of a
    process, companions, augmentation) is not what the unbroken run would have drawn.
    Runs that count iterations alone go on at their iteration.

    MMEngine would run the text ``meta['config']`` of a checkpoint as Python. It writes
    no such text itself, and the hook drops it.

    Args:
        trust: Whether MMEngine may run ``meta['config']`` of a resumed checkpoint.

    Examples:
        >>> from types import SimpleNamespace
        >>> runner = SimpleNamespace(train_dataloader=range(512))
        >>> checkpoint = {'meta': {}}
        >>> ResumeHook().before_save_checkpoint(runner, checkpoint)  # as a runner does
        >>> checkpoint['meta']
        {'world_size': 1, 'batches_per_epoch': 512}
    """

    priority = 'VERY_HIGH'

    def __init__(self, trust: bool = False) -> None:
        self.trust = trust
        self._written: tuple[int, int] | None = None

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Notes the number of processes and of batches an epoch, in ``meta``."""
        checkpoint['meta']['world_size'] = get_world_size()
        checkpoint['meta']['batches_per_epoch'] = len(runner.train_dataloader)

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Drop what would be run, and note the number of processes and batches."""
        meta: dict[str, Any] = checkpoint.get('meta') or {}
        if 'config' in meta:
            if self.trust:
                runner.logger.warning(
                    "meta['config'] of the checkpoint is run as Python, as "
                    '--trust-checkpoint asks'
                )
            else:
                meta.pop('config')
                runner.logger.warning(
                    "meta['config'] of the checkpoint is not used: it would be run as "
                    'Python'
                )
        if 'world_size' in meta and 'batches_per_epoch' in meta:
            self._written = meta['world_size'], meta['batches_per_epoch']

    def before_train(self, runner: Runner) -> None:
        """Moves the iteration count of a resumed run.

        Raises:
            ValueError: The number of batches changed, and a parameter schedule that
                counts iterations is under way: its end would not fit any more.
        """
        if runner.iter == 0 or self._written is None:
            return
        now = get_world_size(), len(runner.train_dataloader)
        if self._written == now:
            return
        change = (
            f'resumed on {now[0]} process(es) with {now[1]} batches an epoch, from a '
            f'checkpoint of {self._written[0]} with {self._written[1]}'
        )
        if now[1] != self._written[1] and isinstance(
            runner.train_loop, EpochBasedTrainLoop
        ):
            pending = pending_iteration_schedules(runner.param_schedulers)
            if pending:
                raise ValueError(
                    f'{change}; but {", ".join(pending)} in param_scheduler counts '
                    f'iterations and would end elsewhere. Resume with as many '
                    f'batches an epoch (processes times train_dataloader.batch_size '
                    f'as before), or start a new run by load_from'
                )
            runner.train_loop._iter = runner.epoch * now[1]
            runner.optim_wrapper.initialize_count_status(
                runner.model, runner.iter, runner.max_iters
            )
        runner.logger.warning(
            f'{change}: groups and augmentation will not be those of the unbroken '
            f'run, and the learning rate is left as it is'
        )
