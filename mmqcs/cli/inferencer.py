"""Options for face detectors and the inferencer."""

import argparse

from mmqcs.apis import FERInferencer
from mmqcs.checkpoints import DEFAULT_MODEL, model_kind
from mmqcs.faces import (
    FaceDetector,
    MMDetDetector,
    MTCNNDetector,
    WholeImage,
    YuNetDetector,
)

_DETECTORS = {
    'mtcnn': (MTCNNDetector, ()),
    'yunet': (YuNetDetector, ('face_model',)),
    'mmdet': (MMDetDetector, ('face_model', 'face_checkpoint')),
    'none': (WholeImage, ()),
}
"""Choices of ``--faces``: detector, and options with the files that it needs."""


def add_face_options(
    parser: argparse.ArgumentParser, whole_images: bool = True
) -> None:
    """Add ``--faces``, ``--face-model``, ``--face-checkpoint`` and ``--score-thr``.

    Without ``whole_images``, ``none`` is not a choice of ``--faces``.
    """
    group = parser.add_argument_group('face detection')
    group.add_argument(
        '--faces',
        choices=[name for name in _DETECTORS if whole_images or name != 'none'],
        default='mtcnn',
        help='MTCNN (default), YuNet, or a detector of MMDetection'
        + ('; none for images that are cropped faces' if whole_images else ''),
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
    """Build the face detector that the options of :func:`add_face_options` ask for.

    Raises:
        ImportError: A package that the detector needs is missing.
        OSError: A file is missing.
        ValueError: Options do not fit together, or a file is of the wrong kind.
    """
    detector, wanted = _DETECTORS[args.faces]
    for name in ('face_model', 'face_checkpoint'):
        option = f'--{name.replace("_", "-")}'
        if name in wanted and not getattr(args, name):
            raise ValueError(f'--faces {args.faces} needs {option} FILE')
        if name not in wanted and getattr(args, name):
            raise ValueError(f'{option} cannot be used with --faces {args.faces}')
    settings = {'device': device} if args.faces in ('mtcnn', 'mmdet') else {}
    if args.score_thr is not None and args.faces != 'none':
        settings['score_thr'] = args.score_thr
    return detector(*(getattr(args, name) for name in wanted), **settings)


def add_inferencer_options(parser: argparse.ArgumentParser, model: str) -> None:
    """Add ``--model``, its options, and those of face detection.

    The help text ``model`` lists what ``--model`` accepts.
    """
    parser.add_argument(
        '--model',
        default=DEFAULT_MODEL,
        help=f'{model}; default: the network that comes with mmqcs',
    )
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
    """Build the inferencer that the options of :func:`add_inferencer_options` ask for.

    Raises:
        ImportError, OSError, ValueError: See :func:`build_detector`; or a config has no
            weights.
    """
    if args.checkpoint is not None and args.model == DEFAULT_MODEL:
        raise ValueError(
            f'--checkpoint is for a config: give --model CONFIG as well, or --model '
            f'{args.checkpoint} if the file contains its config'
        )
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
