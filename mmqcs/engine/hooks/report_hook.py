"""Writes a report into the work dir."""

import shlex
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.dist import collect_results, get_world_size, is_main_process
from mmengine.hooks import Hook, LoggerHook
from mmengine.runner import Runner
from mmpretrain.structures import DataSample

from mmqcs.engine.class_check import leaves
from mmqcs.functional.bootstrap import accuracies
from mmqcs.functional.dataset_labels import class_counts
from mmqcs.registry import HOOKS
from mmqcs.runs.predictions import Predictions, prediction_rows
from mmqcs.runs.record import ERRORS, PREDICTIONS, RunRecord, environment

COLUMNS = 6  # columns of the worst errors that fit the width of the report


@HOOKS.register_module()
class ReportHook(Hook):
    """Writes ``report.html`` into the work dir after training and after testing.

    The report is one self-contained file with accuracies, curves, confusion matrix, a
    table of the classes, the worst errors, images per class, config and environment. It
    is built from the folders of all runs in the work dir, so a test adds to the report
    of the training run.

    A run writes three files into its own folder: ``run.json`` at the start,
    ``predictions.npz`` at each validation that is the best so far, or at a test, and
    ``hardest_errors.png`` at the end.

    At each validation and test, the hook also plots the confusion matrix of
    ``mmqcs.FERMetric`` with the visualizer of the run, which saves it with all of its
    backends (locally as ``vis_data/vis_image/confusion_matrix_<iteration>.png``).

    An error in this hook is logged as a warning and does not stop the run.

    Args:
        enable: Whether to do all this.
        worst_errors: Number of errors shown.

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
        """Record the run."""
        self._guarded(runner, self._write_record, runner, 'train')

    def before_test(self, runner: Runner) -> None:
        """Record the run."""
        self._guarded(runner, self._write_record, runner, 'test')

    def before_val_epoch(self, runner: Runner) -> None:
        """Discard the predictions of the last validation."""
        self._rows = []

    def after_val_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any, outputs: Any
    ) -> None:
        """Store the predictions of a batch."""
        self._guarded(runner, self._keep_predictions, outputs)

    before_test_epoch = before_val_epoch
    after_test_iter = after_val_iter

    def after_val_epoch(self, runner: Runner, metrics: Any = None) -> None:
        """Write the predictions if the validation is the best so far."""
        self._evaluated(runner, metrics, runner.val_dataloader.dataset)

    def after_test_epoch(self, runner: Runner, metrics: Any = None) -> None:
        """Write the predictions of a test."""
        self._evaluated(runner, metrics, runner.test_dataloader.dataset)

    def after_train(self, runner: Runner) -> None:
        """Write the report."""
        loop = runner.val_loop
        self._finish(runner, None if loop is None else loop.dataloader.dataset)

    def after_test(self, runner: Runner) -> None:
        """Write the report."""
        self._finish(runner, runner.test_dataloader.dataset)

    def _evaluated(self, runner: Runner, metrics: Any, dataset: Any) -> None:
        if self.enable:
            # in all processes, even after an error in one, so that none waits forever
            rows = collect_results(self._rows, len(dataset))
            self._guarded(runner, self._save_predictions, runner, rows, dataset)
            self._guarded(runner, self._plot_matrix, runner, metrics, dataset)

    def _guarded(self, runner: Runner, action: Callable[..., None], *args: Any) -> None:
        """Run an action whose errors must not stop the run."""
        if not self.enable:
            return
        try:
            action(*args)
        except Exception as error:
            what = action.__name__.strip('_').replace('_', ' ')
            if what not in self._failed:  # not once per batch
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
        infos = [
            getattr(leaf, 'metainfo', {})
            for loader in splits.values()
            for leaf in leaves(loader.dataset)
        ]
        name = runner.cfg.filename
        self._record = RunRecord(
            kind=kind,
            started=runner.timestamp,
            config_name=Path(name).name if name else runner.experiment_name,
            config=runner.cfg.pretty_text,
            command=_command(),
            checkpoint=runner._load_from,
            seed=runner.seed,
            processes=get_world_size(),
            environment=environment(),
            counts=counts,
            label_noise=[x['label_noise'] for x in infos if 'label_noise' in x],
        )
        self._record.save(Path(runner.log_dir))

    def _keep_predictions(self, outputs: Sequence[DataSample] | None) -> None:
        self._rows += prediction_rows(outputs or ())

    def _save_predictions(
        self, runner: Runner, rows: list | None, dataset: Any
    ) -> None:
        """Save predictions that are the best so far; in the main process only."""
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
            self._guarded(runner, self._plot_errors, runner, dataset)
            self._guarded(runner, self._write_report, runner)

    # these import matplotlib only when it is needed

    def _plot_matrix(
        self, runner: Runner, metrics: dict[str, Any] | None, dataset: Any
    ) -> None:
        suffix = 'confusion_matrix/result'
        key = next((key for key in metrics or () if key.endswith(suffix)), None)
        if not metrics or key is None or not is_main_process():
            return
        from mmqcs.visualization import confusion_figure, figure_to_rgb

        matrix = np.array(metrics[key])
        classes = dataset.metainfo.get('classes') or tuple(map(str, range(len(matrix))))
        top1, mean_class = accuracies(matrix)
        title = f'top-1 {top1:.2f}%, mean class accuracy {mean_class:.2f}%'
        image = figure_to_rgb(confusion_figure(matrix, classes, title))
        # a test run has done no iterations
        runner.visualizer.add_image('confusion_matrix', image, step=runner.iter)

    def _plot_errors(self, runner: Runner, dataset: Any) -> None:
        from mmqcs.runs.errors import worst_errors
        from mmqcs.visualization import contact_sheet, save_figure

        if self._shown is None:
            return
        worst = worst_errors(self._shown, dataset, self.worst_errors)
        if worst is not None:
            figure = contact_sheet(worst.images, worst.captions, COLUMNS, worst.title)
            save_figure(figure, Path(runner.log_dir) / ERRORS)

    def _write_report(self, runner: Runner) -> None:
        from mmqcs.runs.report import write_report

        path = write_report(Path(runner.work_dir))
        runner.logger.info(f'Report: {path}')


def _logged_step(runner: Runner) -> int:
    """Return the number that the logger gives to the current validation."""
    loggers = [hook for hook in runner.hooks if isinstance(hook, LoggerHook)]
    by_epoch = all(logger.log_metric_by_epoch for logger in loggers)
    return runner.epoch if by_epoch else runner.iter


def _command() -> str:
    """Return the command line of this process."""
    program, *words = sys.argv
    start = program.split() if program.startswith('mmqcs ') else ['python', program]
    return shlex.join([*start, *words])
