"""Resumes a run safely, even on another number of processes."""

from itertools import chain
from typing import Any

from mmengine.dist import get_world_size
from mmengine.hooks import Hook
from mmengine.runner import EpochBasedTrainLoop, Runner

from mmqcs.registry import HOOKS


@HOOKS.register_module()
class ResumeHook(Hook):
    """Resumes at the right epoch when the number of processes changes.

    A checkpoint counts epochs and iterations, but an epoch has fewer iterations on more
    processes or with larger batches. The hook writes the number of processes and of
    batches per epoch into checkpoints. If a resumed run has another number of batches,
    the hook sets the iteration count to the start of the epoch and warns.

    Learning rates are not changed. Groups and augmentation are drawn differently from
    then on than without the interruption. Runs that count only iterations resume at
    their iteration.

    MMEngine would run the text ``meta['config']`` of a checkpoint as Python. MMEngine
    itself does not write such a text, and the hook drops it.

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
        """Write the number of processes and of batches per epoch to ``meta``."""
        checkpoint['meta']['world_size'] = get_world_size()
        checkpoint['meta']['batches_per_epoch'] = len(runner.train_dataloader)

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Drop ``meta['config']``, and read the number of processes and batches."""
        meta: dict[str, Any] = checkpoint.get('meta') or {}
        if 'config' in meta:
            if not self.trust:
                meta.pop('config')
            what = 'run, as --trust-checkpoint asks' if self.trust else 'ignored'
            runner.logger.warning(
                f"meta['config'] of the checkpoint is Python code and is {what}"
            )
        if 'world_size' in meta and 'batches_per_epoch' in meta:
            self._written = meta['world_size'], meta['batches_per_epoch']

    def before_train(self, runner: Runner) -> None:
        """Set the iteration count of a resumed run.

        Raises:
            ValueError: The number of batches changed, and a parameter schedule that
                counts iterations has not ended. It would end at another epoch.
        """
        if runner.iter == 0 or self._written is None:
            return
        now = get_world_size(), len(runner.train_dataloader)
        if self._written == now:
            return
        change = (
            f'resumed on {now[0]} process(es) with {now[1]} batches per epoch, from a '
            f'checkpoint of {self._written[0]} with {self._written[1]}'
        )
        if now[1] != self._written[1] and isinstance(
            runner.train_loop, EpochBasedTrainLoop
        ):
            schedules = runner.param_schedulers or []
            if isinstance(schedules, dict):  # of several optimisers
                schedules = chain(*schedules.values())
            pending = [
                type(item).__name__
                for item in schedules
                if not item.by_epoch and item._global_step < item.end
            ]
            if pending:
                raise ValueError(
                    f'{change}. But {", ".join(pending)} in param_scheduler counts '
                    f'iterations and would end at another epoch. Resume with the same '
                    f'number of batches per epoch (processes times '
                    f'train_dataloader.batch_size), or start a new run with load_from'
                )
            runner.train_loop._iter = runner.epoch * now[1]
            runner.optim_wrapper.initialize_count_status(
                runner.model, runner.iter, runner.max_iters
            )
        runner.logger.warning(
            f'{change}. Groups and augmentation will differ from those of an '
            f'uninterrupted run. The learning rate is not changed'
        )
