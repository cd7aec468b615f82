"""Export a trained classifier as ONNX, and as ONNX in 8-bit integers.

    python tools/deployment/export_onnx.py CONFIG CHECKPOINT
    python tools/deployment/export_onnx.py CONFIG CHECKPOINT --with-preprocessing --int8

The file is run by onnxruntime and compared with the classifier on faces of the test
set; if their scores differ, nothing is written. mmqcs.deployment.OnnxClassifier runs
it without torch and OpenMMLab.
"""

import argparse

from mmqcs.cli.options import ArgumentParser, fail
from mmqcs.export.command import (
    add_export_arguments,
    output_path,
    read_arguments,
    require_packages,
)

LOWEST_OPSET = 18  # of PyTorch's exporter


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_export_arguments(parser, '.onnx')
    parser.add_argument(
        '--opset',
        type=int,
        default=LOWEST_OPSET,
        help=f"version of ONNX's operators (default {LOWEST_OPSET}, the lowest)",
    )
    parser.add_argument(
        '--int8',
        action='store_true',
        help='also write NAME_int8.onnx, quantised statically, and test both on the '
        'whole test set',
    )
    parser.add_argument(
        '--calibration-images',
        type=int,
        default=512,
        metavar='N',
        help='faces of the training set on which the ranges of int8 are found '
        '(default 512)',
    )
    parser.add_argument(
        '--reduce-range',
        action='store_true',
        help='weights of 7 bits, for CPUs without VNNI, where int8 can overflow',
    )
    args = parser.parse_args()
    if args.calibration_images < 1:
        parser.error(
            f'--calibration-images must be at least 1, got {args.calibration_images}'
        )
    return args


def main() -> None:
    """Run the program."""
    args = parse_args()
    require_packages('onnx', 'onnxscript', 'onnxruntime')
    import onnx

    from mmqcs.export.onnx_job import OnnxJob

    highest = onnx.defs.onnx_opset_version()
    if not LOWEST_OPSET <= args.opset <= highest:
        fail(f'--opset must be {LOWEST_OPSET} to {highest}, got {args.opset}')
    out = output_path(args, '.onnx')
    try:
        config, subject = read_arguments(args)
        job = OnnxJob(subject, out, args.opset)
        job.export()
        if args.int8:
            job.export_int8(config, args.calibration_images, args.reduce_range)
    except (OSError, ValueError) as error:
        fail(str(error))


if __name__ == '__main__':
    main()
