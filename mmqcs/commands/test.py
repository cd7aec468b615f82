"""Test a trained model."""

import argparse
from copy import deepcopy
from pathlib import Path

import mmengine
from mmengine.config import Config, ConfigDict
from mmengine.evaluator import DumpResults

import mmqcs  # noqa: F401  (checks the versions of the OpenMMLab packages)
from mmqcs.checkpoints import CheckpointError, checkpoint_classes, read_checkpoint
from mmqcs.checkpoints.sources import local_file
from mmqcs.cli import launch
from mmqcs.cli import options as cli
from mmqcs.cli.setup_errors import describe_error
from mmqcs.datasets.base.fer_dataset import FERDataset
from mmqcs.datasets.transforms import with_face_crop
from mmqcs.registry import DATASETS

# File types for each --out-item
OUT_TYPES = {'pred': ('.pkl', '.pickle'), 'metrics': ('.json', '.yaml', '.yml', '.pkl')}
SWITCHES = {
    '--amp': 'test with automatic mixed precision',
    '--fuse-conv-bn': 'fold BatchNorm into the convolutions before it: faster, and '
    'equal up to rounding',
    '--show': 'show the predictions in a window',
    '--tta': 'test-time augmentation with tta_model and tta_pipeline of the config; '
    'without these, average the scores of the image and its mirror image',
}


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = cli.ArgumentParser(description=__doc__)
    parser.add_argument('config', help=cli.CONFIG_HELP)
    parser.add_argument('checkpoint', help='checkpoint file or URL')
    cli.add_runner_arguments(parser, SWITCHES)
    parser.add_argument(
        '--on',
        metavar='OTHER_CONFIG',
        help='test on the test split of another config. The transforms are those of '
        'CONFIG, classes are matched by name, and images of classes that the model '
        'does not know are left out. The work dir is WORK_DIR_on_OTHER_CONFIG',
    )
    parser.add_argument('--out', metavar='FILE', help='write results to FILE')
    parser.add_argument(
        '--out-item',
        choices=tuple(OUT_TYPES),
        help='what --out writes: the predictions (default) or the metrics',
    )
    parser.add_argument(
        '--show-dir', metavar='DIR', help='write images with their predictions to DIR'
    )
    parser.add_argument(
        '--interval',
        type=int,
        default=1,
        metavar='N',
        help='write or show every N-th image only',
    )
    parser.add_argument(
        '--wait-time',
        type=float,
        default=2,
        metavar='SECONDS',
        help='time for which --show displays an image',
    )
    args = parser.parse_args()
    if args.tta and (args.show or args.show_dir is not None):
        # the hook of mmpretrain draws one input per image, not a list of views
        parser.error('--tta cannot be combined with --show or --show-dir')
    if args.out is None and args.out_item is not None:
        parser.error('--out-item needs --out FILE')
    if args.out is not None:
        args.out_item = args.out_item or 'pred'
        types = OUT_TYPES[args.out_item]
        if not args.out.endswith(types):
            parser.error(
                f'--out-item {args.out_item} is written to a file ending with '
                f'{" or ".join(types)}, got --out {args.out}'
            )
    return args


def draw_predictions(config: Config, args: argparse.Namespace) -> None:
    """Switch the visualization hook on for --show and --show-dir."""
    hook = (config.get('default_hooks') or {}).get('visualization')
    if hook is None:
        cli.fail(
            '--show and --show-dir need default_hooks.visualization='
            f"dict(type='VisualizationHook') in {args.config}"
        )
    names = 'show', 'wait_time', 'interval'
    hook.update({name: getattr(args, name) for name in names})
    hook.update(enable=True, out_dir=args.show_dir)


def use_data_of(config: Config, path: str, options: dict | None, ckpt: str) -> None:
    """Use the test data of another config, in the label order of the checkpoint."""
    other = cli.load_config(path, options)
    loader = other.get('test_dataloader')
    if loader is None:
        cli.fail(f'--on {path} has no test_dataloader')
    kind = DATASETS.get(loader.dataset.type)
    if kind is None or not issubclass(kind, FERDataset):
        cli.fail(
            f'--on {path} tests on {loader.dataset.type}, whose labels cannot be '
            f'matched by name: only the FER datasets of mmqcs have label_order'
        )
    with cli.failing_on(CheckpointError, OSError):
        checkpoint = read_checkpoint(local_file(ckpt))
        meta = checkpoint.get('meta') if isinstance(checkpoint, dict) else None
        classes = checkpoint_classes(meta or {}, ckpt)
    if not classes:
        cli.fail(f'--on needs a checkpoint that names its classes; {ckpt} does not')
    pipeline = with_face_crop(config.test_dataloader.dataset.pipeline)
    loader.dataset.pop('num_classes', None)
    loader.dataset.update(pipeline=pipeline, label_order=list(classes))
    config.test_dataloader = loader
    config.test_evaluator = other.test_evaluator


def use_tta(config: Config) -> None:
    """Wrap model and pipeline for test-time augmentation."""
    dataset = config.test_dataloader.dataset
    if 'tta_pipeline' not in config:
        if 'pipeline' not in dataset:
            cli.fail(
                '--tta needs test_dataloader.dataset.pipeline or tta_pipeline in the '
                'config'
            )
        *pipeline, pack = deepcopy(dataset.pipeline)
        flips = [{'type': 'RandomFlip', 'prob': prob} for prob in (1.0, 0.0)]
        branches = {'type': 'TestTimeAug', 'transforms': [flips, [pack]]}
        config.tta_pipeline = [*pipeline, branches]
    model = config.get('tta_model') or {'type': 'mmpretrain.AverageClsScoreTTA'}
    config.model = ConfigDict(**model, module=config.model)
    dataset.pipeline = config.tta_pipeline


def merge_args(config: Config, args: argparse.Namespace) -> None:
    """Put the command line into the config."""
    launch.check_strategy(config)
    launch.set_work_dir(config, args.work_dir, args.config)
    if args.on and args.work_dir is None:  # keeps the report of the training
        config.work_dir += f'_on_{Path(args.on).stem}'
    launch.check_checkpoint(args.checkpoint, args.trust_checkpoint)
    config.load_from = args.checkpoint
    hooks = config.get('default_hooks') or {}
    hooks['weights'] = {'type': 'mmqcs.CheckWeightsHook'}
    config.default_hooks = hooks
    if config.get('test_dataloader') is None:
        cli.fail(f'{args.config} has no test_dataloader')
    if args.on:
        use_data_of(config, args.on, args.cfg_options, args.checkpoint)
    if args.amp:
        # MMEngine's test loop autocasts: float16 on CUDA, bfloat16 on the CPU
        config.test_cfg = {**(config.get('test_cfg') or {}), 'fp16': True}
    if args.fuse_conv_bn:
        hook = {'type': 'mmqcs.FuseConvBNHook'}
        config.custom_hooks = [*(config.get('custom_hooks') or []), hook]
    if args.show or args.show_dir is not None:
        draw_predictions(config, args)
    if args.tta:
        use_tta(config)
    launch.set_dataloader_defaults(config, ('test_dataloader',), args.no_pin_memory)


def main() -> None:
    """Run the program."""
    args = parse_args()
    config = cli.load_config(args.config, args.cfg_options)
    merge_args(config, args)
    launch.prepare_distributed(config, args.launcher, args.local_rank)
    try:
        runner = launch.build_runner(config, args.trust_checkpoint)
        _ = runner.test_loop  # reads the dataset
    except (OSError, ValueError) as error:
        cli.fail(f'the test cannot start: {describe_error(error)}', status=1)
    if args.out_item == 'pred':
        runner.test_evaluator.metrics.append(DumpResults(out_file_path=args.out))
    with cli.failing_on(CheckpointError):
        metrics = runner.test()
    if args.out_item == 'metrics' and runner.rank == 0:
        Path(args.out).parent.mkdir(parents=True, exist_ok=True)
        mmengine.dump(metrics, args.out)
    launch.close_distributed()


if __name__ == '__main__':
    main()
