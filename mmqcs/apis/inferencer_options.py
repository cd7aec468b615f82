"""The inferencer on the command line."""

import argparse

from mmqcs.checkpoints import model_kind

from .face_options import add_face_options, build_detector
from .fer_inferencer import FERInferencer

__all__ = ['add_inferencer_options', 'build_inferencer']


def add_inferencer_options(
    parser: argparse.ArgumentParser, required: bool, model: str
) -> None:
    """Add ``--model`` and what belongs to it, and how faces are found.

    Args:
        parser: Where to add them.
        required: Whether ``--model`` must be given.
        model: What it can be.
    """
    parser.add_argument('--model', required=required, help=model)
    parser.add_argument('--checkpoint', help='weights for a config')
    parser.add_argument(
        '--trust-checkpoint',
        action='store_true',
        help='let the config in a checkpoint name any part; building it can run code',
    )
    parser.add_argument('--device', help='for example cuda:0; default: a GPU if any')
    add_face_options(parser)


def build_inferencer(args: argparse.Namespace, batch_size: int = 32) -> FERInferencer:
    """The inferencer that the command line asks for.

    Args:
        args: What :func:`add_inferencer_options` added.
        batch_size: Faces that go through the network at once.

    Raises:
        ImportError: What finding faces needs is missing.
        OSError: A file is missing.
        ValueError: Options do not fit together, a config has no weights, or a file is
            not what it should be.
    """
    alone = model_kind(args.model) in ('checkpoint', 'onnx')
    if args.checkpoint is None and not alone:
        raise ValueError(
            f'{args.model} is no checkpoint: with a config, or the name of one, give '
            f'the weights by --checkpoint FILE'
        )
    return FERInferencer(
        args.model,
        args.checkpoint,
        faces=build_detector(args, args.device),
        device=args.device,
        batch_size=batch_size,
        trust=args.trust_checkpoint,
    )
