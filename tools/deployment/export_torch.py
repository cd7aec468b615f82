"""Export a trained classifier as a program of torch.export.

    python tools/deployment/export_torch.py CONFIG CHECKPOINT --with-preprocessing

The file is compared with the classifier on faces of the test set. If the scores
differ, nothing is written. PyTorch alone runs it:
torch.export.load('NAME.pt2').module()(batch) returns (scores, logits).
"""

from mmqcs.cli.export import (
    add_export_arguments,
    output_path,
    print_check,
    read_arguments,
)
from mmqcs.cli.options import ArgumentParser, fail
from mmqcs.export.torch_program import export_torch


def main() -> None:
    """Run the program."""
    parser = ArgumentParser(description=__doc__)
    add_export_arguments(parser, '.pt2')
    args = parser.parse_args()
    path = output_path(args, '.pt2')
    try:
        source = read_arguments(args)
        print_check(source, path, export_torch(source, path))
    except (OSError, ValueError) as error:
        fail(str(error))


if __name__ == '__main__':
    main()
