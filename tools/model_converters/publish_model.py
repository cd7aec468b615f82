"""Prepare a checkpoint for sharing: keep the weights and their description only."""

import argparse

from mmengine.config import Config
from mmengine.registry import init_default_scope

import mmqcs  # noqa: F401  (checks the versions of the OpenMMLab packages)
from mmqcs.checkpoints import embedded_config
from mmqcs.checkpoints.compact import adjust_logits, grey_stem, half_precision
from mmqcs.checkpoints.publish import save_with_hash, strip_checkpoint
from mmqcs.checkpoints.safe_load import read_checkpoint
from mmqcs.cli.options import ArgumentParser, fail, failing_on
from mmqcs.functional.dataset_labels import class_counts
from mmqcs.registry import DATASETS


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument('src', metavar='IN', help='checkpoint of a training run')
    parser.add_argument(
        'dst',
        metavar='OUT',
        help='NAME.pth; the file written is NAME-XXXXXXXX.pth (SHA-256)',
    )
    parser.add_argument(
        '--keep-cross',
        action='store_true',
        help='keep the cross branch, which is used in training only',
    )
    parser.add_argument(
        '--half',
        action='store_true',
        help='store matrices and convolutions in float16, which halves the file',
    )
    parser.add_argument(
        '--grey',
        action='store_true',
        help='the model was trained on grey images: make it see photographs in grey',
    )
    parser.add_argument(
        '--config',
        metavar='FILE',
        help='store this config instead of the one of the run, which names folders '
        'of the machine that it ran on',
    )
    parser.add_argument(
        '--adjust-logits',
        type=float,
        metavar='TAU',
        help='favour rare classes: subtract TAU · log(share) from the logits, with the '
        "share of each class in the training images of --config's datasets",
    )
    parser.add_argument('--note', metavar='TEXT', help='model card to store in meta')
    args = parser.parse_args()
    if args.adjust_logits is not None and not args.config:
        fail('--adjust-logits needs --config, which names the training images')
    return args


def training_counts(config: Config, meta: dict) -> list[int]:
    """Return the number of training images of each class, in the order of the model."""
    init_default_scope('mmpretrain')
    counts = class_counts(DATASETS.build(config.train_dataloader.dataset))
    classes = meta.get('dataset_meta', {}).get('classes', tuple(counts))
    if set(classes) != set(counts):
        raise ValueError(
            f'the model has the classes {", ".join(classes)}, but the training images '
            f'of --config have {", ".join(counts)}'
        )
    return [counts[name] for name in classes]


def main() -> None:
    """Run the program."""
    args = parse_args()
    with failing_on(OSError, ValueError):
        checkpoint = strip_checkpoint(read_checkpoint(args.src), args.keep_cross)
        meta, state = checkpoint['meta'], checkpoint['state_dict']
        if args.config:
            meta['cfg'] = Config.fromfile(args.config).pretty_text
        if args.note:
            meta['note'] = args.note
        if args.grey:
            config = embedded_config(meta.get('cfg', ''), args.src)
            state = grey_stem(state, config.model.get('data_preprocessor', {}))
        if args.adjust_logits is not None:
            counts = training_counts(Config.fromfile(args.config), meta)
            state = adjust_logits(state, counts, args.adjust_logits)
        if args.half:
            state = half_precision(state)
        path = save_with_hash(dict(checkpoint, state_dict=state), args.dst)
    print(f'{path}: {len(state)} weights')


if __name__ == '__main__':
    main()
