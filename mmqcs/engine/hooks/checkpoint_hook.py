"""Checkpoints that are never lost, even if the run is killed."""

import bisect
from collections import deque
from inspect import signature
from pathlib import Path
from typing import Any

from mmengine.dist import is_main_process
from mmengine.fileio import LocalBackend, get_file_backend, register_backend
from mmengine.hooks import CheckpointHook as StockCheckpointHook
from mmengine.runner import EpochBasedTrainLoop, Runner

from mmqcs.atomic import atomic_file, remove_drafts, write_text
from mmqcs.registry import HOOKS

VALIDATION_FOLLOWS = 'validation_follows'
_BACKEND = 'mmqcs_checkpoints'


# force: the module may be imported again
@register_backend(_BACKEND, force=True)
class CheckpointBackend(LocalBackend):
    """Local storage whose files appear complete, and whose removals are put off."""

    def __init__(self) -> None:
        self.outdated: list[Path] = []
        """Files that the hook removes after its next save."""

    def put(self, obj: bytes, filepath: str | Path) -> None:
        """Write a file by a draft in the same folder."""
        with atomic_file(filepath) as draft:
            draft.write_bytes(obj)

    def remove(self, filepath: str | Path) -> None:
        """Note a file as outdated."""
        self.outdated.append(Path(filepath))


@HOOKS.register_module()
class CheckpointHook(StockCheckpointHook):
    """MMEngine's ``CheckpointHook`` with saves that can be interrupted.

    A checkpoint is written to a draft in the same folder, synced and renamed. An
    outdated checkpoint is removed last, after ``last_checkpoint`` names its successor.
    The stock hook removes it first, so a kill during a save can leave no checkpoint.
    Drafts of a killed run are removed when the next run starts.

    MMEngine saves before it validates. If a run is killed during the validation, the
    resumed run validates that checkpoint first.

    On remote storage, checkpoints are written by MMEngine's own methods.

    Args:
        **kwargs: Arguments of MMEngine's ``CheckpointHook``.

    Raises:
        TypeError: An argument is unknown. The stock hook raises it at its first save.

    Examples:
        >>> from mmqcs.registry import HOOKS
        >>> checkpoint = dict(
        ...     type='mmqcs.CheckpointHook', max_keep_ckpts=1, save_best='accuracy/top1'
        ... )
        >>> HOOKS.build(checkpoint).key_indicators
        ['accuracy/top1']
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        unknown = set(self.args) - set(signature(Runner.save_checkpoint).parameters)
        if unknown:
            raise TypeError(
                f'CheckpointHook got an unexpected keyword argument {min(unknown)!r}'
            )
        self._validate_first = False
        self._counts: dict[str, int] = {}  # of the checkpoint being saved

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Correct the epoch and the iteration in the checkpoint.

        ``FlexibleRunner`` counts one too many after a validation, so a resumed run
        would skip an epoch.
        """
        checkpoint['meta'].update(self._counts)

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Check whether a validation was due when the checkpoint was saved."""
        meta = checkpoint.get('meta') or {}
        self._validate_first = bool(runner._resume and meta.get(VALIDATION_FOLLOWS))

    def before_train(self, runner: Runner) -> None:
        """Prepare the folder, and run the validation that a killed run missed."""
        self._forget_foreign_files(runner)
        super().before_train(runner)
        if isinstance(self.file_backend, LocalBackend):
            self.backend_args = dict(backend=_BACKEND)
            self.file_backend: Any = get_file_backend(backend_args=self.backend_args)
        if self._local and is_main_process():
            folder = Path(self.out_dir)
            folder.mkdir(parents=True, exist_ok=True)
            remove_drafts(folder)
            start = Path(runner._load_from or '')
            if runner._resume and start.absolute().parent == folder.absolute():
                # the run may have been killed between a save and this entry
                write_text(Path(runner.work_dir) / 'last_checkpoint', str(start))
        if self._validate_first and runner.val_loop is not None:
            runner.logger.info(
                'Validating first, because the run was interrupted after this '
                'checkpoint was saved and before it was validated'
            )
            runner.val_loop.run()

    @property
    def _local(self) -> bool:
        return isinstance(self.file_backend, CheckpointBackend)

    def _forget_foreign_files(self, runner: Runner) -> None:
        """Drop names of files outside this run's folder from a resumed checkpoint.

        The run removes files under these names later. A checkpoint of another run, or a
        forged one, must not make it remove files elsewhere.
        """
        hub = runner.message_hub
        folder = Path(self.out_dir or runner.work_dir).expanduser()
        if self.out_dir is not None:
            folder /= Path(runner.work_dir).name
        for key in list(hub.runtime_info):
            if key == 'best_ckpt' or key.startswith('best_ckpt_'):
                name = Path(str(hub.get_info(key))).name
                if name.startswith('best_') and (folder / name).is_file():
                    hub.update_info(key, str(folder / name))
                else:
                    hub.pop_info(key)
        ids = hub.runtime_info.get('keep_ckpt_ids', [])
        if not isinstance(ids, (list, tuple)) or {*map(type, ids)} - {int}:
            hub.pop_info('keep_ckpt_ids')

    def _save_checkpoint(self, runner: Runner) -> None:
        step = (runner.epoch if self.by_epoch else runner.iter) + 1
        meta: dict[str, Any] = dict(epoch=runner.epoch, iter=runner.iter)
        meta['epoch' if self.by_epoch else 'iter'] = step
        meta[VALIDATION_FOLLOWS] = self._validation_follows(runner, step)
        self._save_checkpoint_with_step(runner, step, meta)

    def _validation_follows(self, runner: Runner, step: int) -> bool:
        loop = runner.train_loop
        by_epoch = isinstance(loop, EpochBasedTrainLoop)
        if runner.val_loop is None or by_epoch != self.by_epoch:
            return False
        index = bisect.bisect(loop.dynamic_milestones, step + 1) - 1
        last = loop.max_epochs if by_epoch else loop.max_iters
        due = step % loop.dynamic_intervals[index] == 0 or step == last
        return step >= loop.val_begin and due

    def _save_checkpoint_with_step(self, runner: Runner, step: int, meta: dict) -> None:
        self._counts = {key: meta[key] for key in ('epoch', 'iter')}
        if not self._local:
            super()._save_checkpoint_with_step(runner, step, meta)
            return
        if self.max_keep_ckpts > 0 and step not in list(self.keep_ckpt_ids)[-1:]:
            kept = [*self.keep_ckpt_ids, step]
            for old in kept[: -self.max_keep_ckpts]:
                name = self.filename_tmpl.format(old)
                self.file_backend.remove(Path(self.out_dir) / name)
            self.keep_ckpt_ids: deque[int] = deque(kept, self.max_keep_ckpts)
            # The list includes outdated checkpoints. If the run is killed before it
            # removes them, the resumed run does.
            runner.message_hub.update_info('keep_ckpt_ids', kept)
        name = self.filename_tmpl.format(step)
        self.last_ckpt = self.file_backend.join_path(self.out_dir, name)
        runner.message_hub.update_info('last_ckpt', self.last_ckpt)
        runner.save_checkpoint(
            self.out_dir,
            name,
            save_optimizer=self.save_optimizer,
            save_param_scheduler=self.save_param_scheduler,
            meta=meta,
            by_epoch=self.by_epoch,
            backend_args=self.backend_args,
            **self.args,
        )
        if is_main_process():
            write_text(Path(runner.work_dir) / 'last_checkpoint', self.last_ckpt)
            self._remove_outdated()

    def _save_best_checkpoint(self, runner: Runner, metrics: dict[str, Any]) -> None:
        self._counts = dict(epoch=runner.epoch, iter=runner.iter)
        super()._save_best_checkpoint(runner, metrics)
        if self._local and is_main_process():
            self._remove_outdated()

    def _remove_outdated(self) -> None:
        several = getattr(self, 'best_ckpt_path_dict', {})
        best = {getattr(self, 'best_ckpt_path', None), *several.values()}
        for file in self.file_backend.outdated:
            if str(file) not in best:  # the same file can be saved again
                file.unlink(missing_ok=True)
        self.file_backend.outdated = []
