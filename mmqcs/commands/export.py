"""Export a trained classifier as an ONNX file, optionally also in 8-bit integers.

    mmqcs export                       the network that comes with mmqcs
    mmqcs export CHECKPOINT            which contains its config
    mmqcs export CONFIG CHECKPOINT --with-preprocessing --int8

The file is compared with the classifier, on faces of the config's test set or on
rendered faces. If the scores differ, nothing is written.
mmqcs.deployment.OnnxClassifier runs it without torch and OpenMMLab.
"""

import argparse
import math
import re
from collections.abc import Mapping
from pathlib import Path

from mmqcs.cli.export import (
    add_export_arguments,
    output_path,
    print_check,
    read_arguments,
    require_packages,
)
from mmqcs.cli.options import ArgumentParser, fail
from mmqcs.cli.tables import markdown_table
from mmqcs.export.comparison import Result, measure_accuracy, measure_speed
from mmqcs.export.source import ExportSource


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = ArgumentParser(description=__doc__)
    add_export_arguments(parser, '.onnx')
    parser.add_argument(
        '--opset',
        type=int,
        default=18,
        help="version of ONNX's operators (default 18, the lowest)",
    )
    parser.add_argument(
        '--int8',
        action='store_true',
        help='also write NAME_int8.onnx, and compare accuracy and speed of both files '
        'on the whole test set',
    )
    parser.add_argument(
        '--calibration-images',
        type=int,
        default=512,
        metavar='N',
        help='number of training faces on which the ranges of int8 are measured '
        '(default 512)',
    )
    parser.add_argument(
        '--reduce-range',
        action='store_true',
        help='7-bit weights, for CPUs without VNNI, on which int8 sums can overflow',
    )
    args = parser.parse_args()
    if args.int8 and args.checkpoint is None:
        fail(
            '--int8 is calibrated on the training set of a config and tested on its '
            'test set: give CONFIG and CHECKPOINT'
        )
    if args.calibration_images < 1:
        fail(f'--calibration-images must be at least 1, got {args.calibration_images}')
    return args


def write_int8(source: ExportSource, fp32: Path, args: argparse.Namespace) -> None:
    """Write the int8 file, and print its accuracy and speed next to those of fp32."""
    from mmengine.utils import track_iter_progress

    from mmqcs.export.checks import onnx_run
    from mmqcs.export.int8 import export_int8
    from mmqcs.export.pipeline import BATCH_SIZE

    int8 = fp32.with_name(f'{fp32.stem}_int8.onnx')
    print(f'calibrating {int8} on the training set')
    export_int8(source, fp32, int8, args.calibration_images, args.reduce_range)
    count = len(source.data.test_set)
    print(f'testing on {count:,} faces')
    files = {'fp32': fp32, 'int8': int8}
    runs = {name: onnx_run(path) for name, path in files.items()}
    batches = source.data.test_batches(), math.ceil(count / BATCH_SIZE)
    results = measure_accuracy(source, runs, track_iter_progress(batches))
    print()
    print(comparison_table(files, results, measure_speed(source, runs)))


def comparison_table(
    files: Mapping[str, Path],
    results: Mapping[str, Result],
    times: Mapping[str, Mapping[int, float]],
) -> str:
    """Return a Markdown table with one row per model; speeds are ratios to PyTorch."""
    first = times['PyTorch']
    numbers = [k for k, v in results['PyTorch'].metrics.items() if isinstance(v, float)]
    hidden = re.compile('recall/.*|.*_low|.*_high')  # bounds of confidence intervals
    metrics = [key for key in numbers if not hidden.fullmatch(key)]
    header = ['model', 'file', *metrics, 'same class', 'largest change of a score']
    header += [f'ms per face, batch {n}' for n in first]
    header += [f'speed, batch {n}' for n in first]
    rows = []
    for name, result in results.items():
        size = f'{files[name].stat().st_size / 2**20:.1f} MiB' if name in files else ''
        row = [name, size, *(f'{result.metrics[key]:.2f}' for key in metrics)]
        row += [f'{100 * result.agreement:.1f} %', f'{result.difference:.2g}']
        row += [f'{1000 * seconds:.1f}' for seconds in times[name].values()]
        row += [f'{first[n] / seconds:.2f}' for n, seconds in times[name].items()]
        rows.append(row)
    return markdown_table(header, rows)


def main() -> None:
    """Run the program."""
    args = parse_args()
    require_packages('onnx', 'onnxscript', 'onnxruntime')
    import onnx

    from mmqcs.export.onnx_file import LOWEST_OPSET, export_onnx

    highest = onnx.defs.onnx_opset_version()
    if not LOWEST_OPSET <= args.opset <= highest:
        fail(f'--opset must be {LOWEST_OPSET} to {highest}, got {args.opset}')
    path = output_path(args, '.onnx')
    try:
        source = read_arguments(args)
        print_check(source, path, export_onnx(source, path, args.opset))
        if args.int8:
            write_int8(source, path, args)
    except (OSError, ValueError) as error:
        fail(str(error))


if __name__ == '__main__':
    main()
