"""The face step on the command line."""

import argparse

from mmqcs.faces import (
    CascadeDetector,
    FaceDetector,
    MMDetDetector,
    WholeImage,
    YuNetDetector,
)

__all__ = ['add_face_options', 'build_detector']


def add_face_options(
    parser: argparse.ArgumentParser, whole_images: bool = True
) -> None:
    """Adds ``--faces``, ``--face-model``, ``--face-checkpoint``, ``--score-thr``.

    Args:
        parser: Where to add them.
        whole_images: Whether ``none`` is a choice.
    """
    group = parser.add_argument_group('finding faces')
    none = ['none'] if whole_images else []
    group.add_argument(
        '--faces',
        choices=['cascade', 'yunet', 'mmdet', *none],
        default='cascade',
        help="OpenCV 4's cascade (default); YuNet; a detector of MMDetection"
        + ('; none, for pictures that are faces already' if none else ''),
    )
    group.add_argument(
        '--face-model', metavar='FILE', help='YuNet: its .onnx; MMDetection: a config'
    )
    group.add_argument(
        '--face-checkpoint', metavar='FILE', help='MMDetection: the weights'
    )
    group.add_argument(
        '--score-thr', type=float, metavar='X', help='least score of a face'
    )


def build_detector(args: argparse.Namespace, device: str | None = None) -> FaceDetector:
    """The detector that the command line asks for.

    Args:
        args: What :func:`add_face_options` added.
        device: Where a detector of MMDetection runs. By default a GPU if there is one.

    Raises:
        ImportError: What the detector needs is missing.
        OSError: A file is missing.
        ValueError: Options do not fit together, or a file is not what it should be.
    """
    wanted = {
        'yunet': ('face_model',),
        'mmdet': ('face_model', 'face_checkpoint'),
    }.get(args.faces, ())
    for name in ('face_model', 'face_checkpoint'):
        option = f'--{name.replace("_", "-")}'
        if name in wanted and not getattr(args, name):
            raise ValueError(f'--faces {args.faces} needs {option} FILE')
        if name not in wanted and getattr(args, name):
            raise ValueError(f'{option} has no meaning with --faces {args.faces}')
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
