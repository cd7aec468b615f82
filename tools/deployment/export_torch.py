"""Export a trained classifier as a program of torch.export, without OpenMMLab.

    python tools/deployment/export_torch.py CONFIG CHECKPOINT --with-preprocessing

The file is loaded again and compared with the classifier on faces of the test set; if
their scores differ, nothing is written. It needs PyTorch alone to run:
torch.export.load('NAME.pt2').module()(batch) gives (scores, logits).
"""

import argparse
from pathlib import Path

import torch

from mmqcs.cli.options import ArgumentParser, fail
from mmqcs.export.check import check_scores
from mmqcs.export.command import (
    add_export_arguments,
    draft,
    output_path,
    read_arguments,
    report,
)
from mmqcs.export.compare import torch_run
from mmqcs.export.program import (
    capture,
    dynamic_axes,
    read_program,
    write_program,
)
from mmqcs.export.subject import Subject


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_export_arguments(parser, '.pt2')
    return parser.parse_args()


def export(subject: Subject, path: Path) -> None:
    """Write the file and check it.

    Raises:
        ExportError: PyTorch cannot capture the model, or its scores are wrong.
    """
    about = subject.description
    axes = dynamic_axes(about.graph_input)
    program = capture(subject.whole(), subject.example(), axes)
    with draft(path) as file:
        write_program(program, about, file)
        module, _ = read_program(file)
        result = check_scores(torch_run(module), subject.inputs, subject.expected)
    report(subject, path, *result)


def main() -> None:
    """Run the program."""
    args = parse_args()
    path = output_path(args, '.pt2')
    try:
        _, subject = read_arguments(args)
        with torch.no_grad():
            export(subject, path)
    except (OSError, ValueError) as error:
        fail(str(error))


if __name__ == '__main__':
    main()
