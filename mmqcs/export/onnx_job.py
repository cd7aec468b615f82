"""A classifier as ONNX files: written, checked, quantised, measured."""

from copy import deepcopy
from dataclasses import replace
from pathlib import Path

import numpy as np
from mmengine.config import Config
from onnx import ModelProto

from mmqcs.deployment import OnnxClassifier

from .check import TOLERANCE, check_scores, scores_of
from .command import draft, report
from .compare import measure_accuracy, measure_speed, onnx_run, table, torch_run
from .errors import ExportError
from .onnx_file import convert, join, write_onnx
from .quantise import quantise
from .subject import Subject

__all__ = ['OnnxJob']


class OnnxJob:
    """Exports one classifier.

    Args:
        subject: What to export.
        out: File to write; int8 is written beside it, as NAME_int8.onnx.
        opset: Version of ONNX's operators.

    Raises:
        ExportError: PyTorch cannot capture the model.
    """

    def __init__(self, subject: Subject, out: Path, opset: int) -> None:
        self.subject = subject
        self.out = out
        images = np.stack([subject.images[0]] * 2)
        outputs = ('scores', 'logits')
        self.network = convert(subject.net, images, 'normalised', outputs, opset)
        self.preprocessing: ModelProto | None = None
        if subject.preprocessor is not None:
            name = subject.description.graph_input
            pair = np.stack([subject.inputs[0]] * 2)
            self.preprocessing = convert(
                subject.preprocessor, pair, name, ('images',), opset
            )

    def export(self) -> None:
        """Writes the classifier in float32, if its scores are right.

        Raises:
            ExportError: They are not those of PyTorch, or :class:`OnnxClassifier`
                prepares the faces otherwise than the test of the config.
        """
        subject = self.subject
        with draft(self.out) as file:
            self._write(self.network, file, 'fp32')
            result = check_scores(onnx_run(file), subject.inputs, subject.expected)
            self._check_class(file)
        report(subject, self.out, *result)

    def export_int8(
        self, config: Config, calibration_images: int, reduce_range: bool
    ) -> None:
        """Writes the classifier in int8, and tests it beside float32.

        Args:
            config: The whole config.
            calibration_images: Faces of the training set for the ranges.
            reduce_range: See :func:`quantise`.

        Raises:
            ExportError: There are no data for calibration or testing.
        """
        subject = self.subject
        print('calibrating int8 on the training set')
        batches = subject.calibration(calibration_images)
        network = quantise(self.network, batches, reduce_range)
        runs = {
            'PyTorch': torch_run(subject.net),
            'fp32': onnx_run(self.network.SerializeToString()),
            'int8': onnx_run(network.SerializeToString()),
        }
        out = self.out.with_name(f'{self.out.stem}_int8.onnx')
        with draft(out) as file:
            self._write(network, file, 'int8')
            alone = scores_of(runs['int8'], list(subject.images), len(subject.images))
            check_scores(onnx_run(file), subject.inputs, alone)
        print(f'{out}: testing on {len(subject.data.loader.dataset):,} faces')
        results = measure_accuracy(config, subject, runs)
        sizes = {'fp32': self.out.stat().st_size, 'int8': out.stat().st_size}
        print(table(results, sizes, measure_speed(subject, runs)))

    def _write(self, network: ModelProto, path: Path, precision: str) -> None:
        whole = deepcopy(network)
        if self.preprocessing is not None:
            whole = join(deepcopy(self.preprocessing), whole)
        about = replace(self.subject.description, precision=precision)
        write_onnx(whole, about, path)

    def _check_class(self, path: Path) -> None:
        subject = self.subject
        if not subject.faces:
            return
        found = OnnxClassifier(path, threads=1)(subject.faces)
        # pixels that the graph makes may be a level off, which is reported
        in_graph = subject.description.graph_input == 'faces'
        expected = subject.expected if in_graph else subject.by_pipeline
        difference = float(np.abs(found - expected).max())
        if not difference <= TOLERANCE:
            raise ExportError(
                f'OnnxClassifier does not prepare the faces as the test pipeline does: '
                f'scores differ by {difference:.2g}'
            )
