"""Leaves a report in the work dir."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from mmengine.dist import collect_results, get_world_size, is_main_process
from mmengine.hooks import Hook, LoggerHook
from mmengine.runner import Runner
from mmpretrain.structures import DataSample

from mmqcs.functional.dataset_labels import class_counts
from mmqcs.registry import HOOKS
from mmqcs.runs.predictions import Predictions, prediction_rows
from mmqcs.runs.record import (
    ERRORS,
    PREDICTIONS,
    RunRecord,
    command_line,
    environment,
)

COLUMNS = 6  # of the worst errors, so that they fit the width of the page


@HOOKS.register_module()
class ReportHook(Hook):
    """Writes ``report.html`` into the work dir after a training and after a test.

    One file that loads nothing: accuracies, curves, confusion matrix, a table of the
    classes, the worst errors, images of each class, config and environment. It is built
    from what the folders of all runs in the work dir hold, so a test adds to the report
    of the training.

    Into its own folder a run writes ``run.json`` at its start; at each validation that
    is the best so far, or at a test, ``predictions.npz``, in which an image takes a
    few numbers and its path; and at its end ``hardest_errors.png``.

    What goes wrong here is a warning in the log and never ends the run.

    Args:
        enable: Whether to do so; False for runs whose report nobody reads.
        worst_errors: How many errors are shown.

    Examples:
        >>> from mmengine.config import Config
        >>> from mmengine.runner import Runner
        >>> config = Config.fromfile('configs/qcs/qcs_ir-small_synthfer.py')
        >>> config.default_hooks.report = dict(type='mmqcs.ReportHook', worst_errors=6)
        >>> config.work_dir, config.log_level = 'work_dirs/report', 'ERROR'
        >>> figures = Runner.from_cfg(config).test()
        >>> Path('work_dirs/report/report.html').is_file()
        True
    """

    # before CheckpointHook, which may validate before the first iteration
    priority = 85

    def __init__(self, enable: bool = True, worst_errors: int = 30) -> None:
        self.enable = enable
        self.worst_errors = worst_errors
        self._rows: list[Any] = []
        self._record: RunRecord | None = None
        self._shown: Predictions | None = None
        self._failed: set[str] = set()

    def before_train(self, runner: Runner) -> None:
        """Notes what the run is."""
        self._guarded(runner, self._write_record, runner, 'train')

    def before_test(self, runner: Runner) -> None:
        """Notes what the run is."""
        self._guarded(runner, self._write_record, runner, 'test')

    def before_val_epoch(self, runner: Runner) -> None:
        """Forgets the predictions of the last validation."""
        self._rows = []

    def before_test_epoch(self, runner: Runner) -> None:
        """Forgets earlier predictions."""
        self._rows = []

    def after_val_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: Any = None,
        outputs: Sequence[DataSample] | None = None,
    ) -> None:
        """Keeps the numbers of a batch."""
        self._guarded(runner, self._keep_predictions, outputs)

    def after_test_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: Any = None,
        outputs: Sequence[DataSample] | None = None,
    ) -> None:
        """Keeps the numbers of a batch."""
        self._guarded(runner, self._keep_predictions, outputs)

    def after_val_epoch(self, runner: Runner, metrics: Any = None) -> None:
        """Writes the predictions of a validation that is the best so far."""
        self._collect(runner, runner.val_dataloader.dataset)

    def after_test_epoch(self, runner: Runner, metrics: Any = None) -> None:
        """Writes the predictions of a test."""
        self._collect(runner, runner.test_dataloader.dataset)

    def after_train(self, runner: Runner) -> None:
        """Writes the report."""
        loop = runner.val_loop
        dataset = None if loop is None else loop.dataloader.dataset
        self._finish(runner, dataset)

    def after_test(self, runner: Runner) -> None:
        """Writes the report."""
        self._finish(runner, runner.test_dataloader.dataset)

    def _collect(self, runner: Runner, dataset: Any) -> None:
        if self.enable:
            # all processes, whatever went wrong in one, so that none waits for ever
            rows = collect_results(self._rows, len(dataset))
            self._guarded(runner, self._save_predictions, runner, rows, dataset)

    def _guarded(self, runner: Runner, action: Callable[..., None], *args: Any) -> None:
        """Calls what must not end a run, whatever happens in it."""
        if not self.enable:
            return
        try:
            action(*args)
        except Exception as error:
            what = action.__name__.strip('_').replace('_', ' ')
            if what not in self._failed:  # once, not at each batch
                self._failed.add(what)
                runner.logger.warning(
                    f'mmqcs.ReportHook could not {what}, so the report is missing or '
                    f'incomplete: {type(error).__name__}: {error}'
                )

    def _write_record(self, runner: Runner, kind: str) -> None:
        self._shown = None
        if not is_main_process():
            return
        splits = {kind: getattr(runner, f'{kind}_dataloader')}
        if kind == 'train' and runner.val_loop is not None:
            splits['val'] = runner.val_loop.dataloader
        counts = {}
        for name, loader in splits.items():
            try:
                counts[name] = class_counts(loader.dataset)
            except (ValueError, AttributeError) as error:
                runner.logger.info(f'mmqcs.ReportHook: no counts of {name}: {error}')
        name = runner.cfg.filename
        self._record = RunRecord(
            kind=kind,
            started=runner.timestamp,
            config_name=Path(name).name if name else runner.experiment_name,
            config=runner.cfg.pretty_text,
            command=command_line(),
            checkpoint=runner._load_from,
            seed=runner.seed,
            processes=get_world_size(),
            environment=environment(),
            counts=counts,
        )
        self._record.save(Path(runner.log_dir))

    def _keep_predictions(self, outputs: Sequence[DataSample] | None) -> None:
        self._rows += prediction_rows(outputs or ())

    def _save_predictions(
        self, runner: Runner, rows: list | None, dataset: Any
    ) -> None:
        """Keeps predictions if they are the best so far; in the main process alone."""
        if not rows or self._record is None:
            return
        classes = dataset.metainfo.get('classes')
        predictions = Predictions.from_rows(rows, classes)
        if self._shown is not None and predictions.accuracy <= self._shown.accuracy:
            return
        self._shown = predictions
        folder = Path(runner.log_dir)
        predictions.save(folder / PREDICTIONS)
        if self._record.kind == 'train':
            self._record.step = _logged_step(runner)
            self._record.save(folder)

    def _finish(self, runner: Runner, dataset: Any) -> None:
        if is_main_process():
            self._guarded(runner, self._draw_errors, runner, dataset)
            self._guarded(runner, self._write_report, runner)

    # matplotlib, which these need, is loaded when the work is done

    def _draw_errors(self, runner: Runner, dataset: Any) -> None:
        from mmqcs.visualization.errors import errors_figure
        from mmqcs.visualization.style import save_figure

        if self._shown is None:
            return
        figure = errors_figure(self._shown, dataset, self.worst_errors, COLUMNS)
        if figure is not None:
            save_figure(figure, Path(runner.log_dir) / ERRORS)

    def _write_report(self, runner: Runner) -> None:
        from mmqcs.visualization.report import write_report

        path = write_report(Path(runner.work_dir))
        runner.logger.info(f'Report: {path}')


def _logged_step(runner: Runner) -> int:
    """What the logger calls the validation that is under way."""
    loggers = (hook for hook in runner.hooks if isinstance(hook, LoggerHook))
    logger = next(loggers, None)
    by_epoch = logger is None or logger.log_metric_by_epoch
    return runner.epoch if by_epoch else runner.iter
