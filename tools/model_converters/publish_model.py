"""Make a checkpoint fit to be given to others: weights and a description alone."""

import argparse

import mmqcs  # noqa: F401  (checks the versions of the OpenMMLab packages)
from mmqcs.checkpoints.publish import save_with_hash, strip_checkpoint
from mmqcs.checkpoints.safe_load import read_checkpoint
from mmqcs.cli.options import ArgumentParser, fail


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument('src', metavar='IN', help='checkpoint of a training run')
    parser.add_argument(
        'dst', metavar='OUT', help='NAME.pth; written is NAME-XXXXXXXX.pth (SHA-256)'
    )
    parser.add_argument(
        '--keep-cross',
        action='store_true',
        help='keep the cross branch, which serves in training only',
    )
    return parser.parse_args()


def main() -> None:
    """Run the program."""
    args = parse_args()
    try:
        checkpoint = strip_checkpoint(read_checkpoint(args.src), args.keep_cross)
        path = save_with_hash(checkpoint, args.dst)
    except ValueError as error:
        fail(str(error))
    print(f'{path}: {len(checkpoint["state_dict"])} weights')


if __name__ == '__main__':
    main()
