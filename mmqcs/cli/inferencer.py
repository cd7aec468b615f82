"""Options for face detectors and the inferencer."""

import argparse

from mmqcs.apis import FERInferencer
from mmqcs.checkpoints import model_kind
from mmqcs.faces import (
    CascadeDetector,
    FaceDetector,
    MMDetDetector,
    WholeImage,
    YuNetDetector,
)

__all__ = [
    'add_face_options',
    'add_inferencer_options',
    'build_detector',
    'build_inferencer',
]

_FILES = {'yunet': ('face_model',), 'mmdet': ('face_model', 'face_checkpoint')}
"""Options that each detector needs."""


def add_face_options(
    parser: argparse.ArgumentParser, whole_images: bool = True
) -> None:
    """Add ``--faces``, ``--face-model``, ``--face-checkpoint`` and ``--score-thr``.

    Args:
        parser: Parser.
        whole_images: Whether ``none`` is a choice of ``--faces``.
    """
    group = parser.add_argument_group('face detection')
    none = ['none'] if whole_images else []
    group.add_argument(
        '--faces',
        choices=['cascade', 'yunet', 'mmdet', *none],
        default='cascade',
        help='the cascade of OpenCV 4 (default), YuNet, or a detector of MMDetection'
        + ('; none for images that are cropped faces' if none else ''),
    )
    group.add_argument(
        '--face-model',
        metavar='FILE',
        help='ONNX file of YuNet, or config of a detector of MMDetection',
    )
    group.add_argument(
        '--face-checkpoint', metavar='FILE', help='weights for MMDetection'
    )
    group.add_argument(
        '--score-thr', type=float, metavar='X', help='minimum score of a face'
    )


def build_detector(args: argparse.Namespace, device: str | None = None) -> FaceDetector:
    """Build the face detector that the command line asks for.

    Args:
        args: Values of the options of :func:`add_face_options`.
        device: Device of a detector of MMDetection. Defaults to a GPU if there is one.

    Raises:
        ImportError: A package that the detector needs is missing.
        OSError: A file is missing.
        ValueError: Options do not fit together, or a file is of the wrong kind.
    """
    wanted = _FILES.get(args.faces, ())
    for name in ('face_model', 'face_checkpoint'):
        option = f'--{name.replace("_", "-")}'
        if name in wanted and not getattr(args, name):
            raise ValueError(f'--faces {args.faces} needs {option} FILE')
        if name not in wanted and getattr(args, name):
            raise ValueError(f'{option} cannot be used with --faces {args.faces}')
    threshold = {} if args.score_thr is None else {'score_thr': args.score_thr}
    if args.faces == 'yunet':
        return YuNetDetector(args.face_model, **threshold)
    if args.faces == 'mmdet':
        return MMDetDetector(
            args.face_model, args.face_checkpoint, device=device, **threshold
        )
    if args.faces == 'none':
        return WholeImage()
    return CascadeDetector(**threshold)


def add_inferencer_options(
    parser: argparse.ArgumentParser, required: bool, model: str
) -> None:
    """Add ``--model`` with its options, and the options of face detection.

    Args:
        parser: Parser.
        required: Whether ``--model`` is required.
        model: Help text of ``--model``.
    """
    parser.add_argument('--model', required=required, help=model)
    parser.add_argument('--checkpoint', help='weights for a config')
    parser.add_argument(
        '--trust-checkpoint',
        action='store_true',
        help='let the config in a checkpoint name any part, which can run any code',
    )
    parser.add_argument(
        '--device', help='for example cuda:0; default: a GPU if there is one'
    )
    add_face_options(parser)


def build_inferencer(args: argparse.Namespace, batch_size: int = 32) -> FERInferencer:
    """Build the inferencer that the command line asks for.

    Args:
        args: Values of the options of :func:`add_inferencer_options`.
        batch_size: Number of faces per forward pass.

    Raises:
        ImportError: A package that the face detector needs is missing.
        OSError: A file is missing.
        ValueError: Options do not fit together, a config has no weights, or a file is
            of the wrong kind.
    """
    alone = model_kind(args.model) in ('checkpoint', 'onnx')
    if args.checkpoint is None and not alone:
        raise ValueError(
            f'{args.model} is not a checkpoint: a config, or the name of one, needs '
            f'--checkpoint FILE'
        )
    return FERInferencer(
        args.model,
        args.checkpoint,
        faces=build_detector(args, args.device),
        device=args.device,
        batch_size=batch_size,
        trust=args.trust_checkpoint,
    )
