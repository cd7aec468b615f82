"""Train a model.

Ends with two validations: "best on test", the published protocol, which picks the
epoch by the very accuracy it reports, and "last epoch".
"""

import argparse
import logging
import os
import traceback
from contextlib import ExitStack
from pathlib import Path

from mmengine.config import Config
from mmengine.dist import is_main_process
from mmengine.hooks import CheckpointHook
from mmengine.logging import print_log

import mmqcs  # noqa: F401  (checks the versions of the OpenMMLab packages)
from mmqcs.checkpoints.safe_load import CheckpointError
from mmqcs.cli import launch
from mmqcs.cli import options as cli
from mmqcs.cli.run_settings import check_settings
from mmqcs.cli.setup_errors import describe_error, explains_itself
from mmqcs.engine import NotFiniteError, SetupCheckHook
from mmqcs.runs.lock import WorkDirInUseError, work_dir_lock
from mmqcs.runs.log import read_validations, validation_rows
from mmqcs.runs.resume import find_newest, read_resumable

# What --amp makes of an optimiser wrapper; each autocasts to bfloat16 where
# the device has it and else to float16 with a loss scaler.
AMP_WRAPPERS = {
    'OptimWrapper': 'mmqcs.AutocastOptimWrapper',
    'SAMOptimWrapper': 'mmqcs.SAMAmpOptimWrapper',
}
ALREADY_AMP = (
    'AmpOptimWrapper',
    'ApexOptimWrapper',
    'AutocastOptimWrapper',
    'SAMAmpOptimWrapper',
)


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = cli.ArgumentParser(description=__doc__)
    parser.add_argument('config', help='config file')
    cli.add_runner_arguments(parser)
    parser.add_argument(
        '--resume',
        nargs='?',
        const='auto',
        metavar='CHECKPOINT',
        help='go on from CHECKPOINT; without a value, from the latest checkpoint '
        'in the work dir',
    )
    parser.add_argument(
        '--amp',
        action='store_true',
        help='train with automatic mixed precision; SAM stays SAM',
    )
    parser.add_argument(
        '--no-validate', action='store_true', help='do not evaluate while training'
    )
    parser.add_argument(
        '--auto-scale-lr',
        action='store_true',
        help="scale the learning rate from the config's base_batch_size to the "
        'actual batch size',
    )
    parser.add_argument(
        '--no-persistent-workers',
        action='store_true',
        help='set persistent_workers of the data loaders to False',
    )
    parser.add_argument('--seed', type=int, help='random seed')
    parser.add_argument(
        '--deterministic',
        action='store_true',
        help='use deterministic algorithms only (slower)',
    )
    return parser.parse_args()


def use_amp(config: Config) -> None:
    """Replace the optimiser wrapper by its mixed-precision counterpart.

    Args:
        config: The config, changed in place.
    """
    given = config.optim_wrapper.get('type', 'OptimWrapper')
    name = (given if isinstance(given, str) else given.__name__).split('.')[-1]
    if name in AMP_WRAPPERS:
        config.optim_wrapper.type = AMP_WRAPPERS[name]
    elif name not in ALREADY_AMP:
        cli.fail(
            f'--amp cannot turn optim_wrapper.type={given!r} into a mixed-precision '
            f'one, only {", ".join(AMP_WRAPPERS)}; leave --amp out and name a '
            'mixed-precision type in the config'
        )


def set_randomness(config: Config, seed: int | None, deterministic: bool) -> None:
    """Put the seed and determinism asked for on the command line in the config."""
    randomness = dict(config.get('randomness') or {})
    if seed is not None:
        randomness['seed'] = seed
    if deterministic:
        randomness['deterministic'] = True
        # cuBLAS reads this when CUDA starts, and torch insists on it
        os.environ.setdefault('CUBLAS_WORKSPACE_CONFIG', ':4096:8')
    if randomness:
        config.randomness = randomness


def choose_resume(config: Config, trust: bool = False) -> None:
    """Put the checkpoint that a run is resumed from in its config.

    Without a name it is the newest that can be read of those in the work dir. If there
    is none at all, the run starts from the beginning.

    Args:
        config: Config of a training with ``resume=True``, changed in place. An empty
            ``load_from`` asks for the newest checkpoint.
        trust: See :func:`mmqcs.cli.options.check_checkpoint`.
    """
    path = config.get('load_from')
    try:
        if path is not None:
            cli.check_checkpoint(path, trust)
            if '://' not in path:
                read_resumable(Path(path).expanduser(), trust)
            return
        found = find_newest(_checkpoint_folders(config), trust)
    except CheckpointError as error:
        cli.fail(str(error), status=1)
    if found is None:
        print_log(
            f'No checkpoint in {config.work_dir}: the run starts from the beginning'
        )
        config.resume = False
        return
    for reason in found.skipped:
        print_log(f'Not resumed: {reason}', level=logging.WARNING)
    print_log(
        f'Resumes from {found.path} (epoch {found.epoch}, iteration {found.iteration})'
    )
    config.load_from = str(found.path)


def _checkpoint_folders(config: Config) -> list[Path]:
    """Return the folders in which a run keeps checkpoints."""
    work_dir = Path(config.work_dir)
    folders = [work_dir]
    hook = (config.get('default_hooks') or {}).get('checkpoint') or {}
    if hook.get('out_dir'):
        folders.append(Path(hook['out_dir']) / work_dir.name)
    return folders


def use_safe_hooks(config: Config, trust: bool) -> None:
    """Give the run the hooks that guard it, whatever the config names.

    Args:
        config: The config, changed in place.
        trust: Whether a resumed checkpoint may run code.
    """
    hooks = config.get('default_hooks') or {}
    checkpoint = hooks.setdefault(
        'checkpoint', {'type': 'CheckpointHook', 'interval': 1}
    )
    stock = ('CheckpointHook', 'mmengine.CheckpointHook', CheckpointHook)
    if checkpoint is not None and checkpoint.get('type') in stock:
        checkpoint['type'] = 'mmqcs.CheckpointHook'
    hooks.setdefault('runtime_info', {'type': 'mmqcs.RuntimeInfoHook'})
    hooks['weights'] = {'type': 'mmqcs.CheckWeightsHook'}
    hooks['resume'] = {'type': 'mmqcs.ResumeHook', 'trust': trust}
    hooks.setdefault('setup_check', {'type': 'mmqcs.SetupCheckHook'})
    hooks.setdefault('finite', {'type': 'mmqcs.FiniteHook'})
    config.default_hooks = hooks


def merge_args(config: Config, args: argparse.Namespace) -> None:
    """Put the command line into the config.

    Args:
        config: The config, changed in place.
        args: The parsed command line.
    """
    launch.check_strategy(config, args.launcher)
    cli.set_work_dir(config, args.work_dir, args.config)
    if args.no_validate:
        config.val_cfg = config.val_dataloader = config.val_evaluator = None
    if args.amp:
        use_amp(config)
    weights = config.get('load_from')
    if args.resume is not None:
        config.resume = True
        config.load_from = None if args.resume == 'auto' else args.resume
    if config.get('resume'):
        choose_resume(config, args.trust_checkpoint)
    if not config.get('resume') and weights:
        config.load_from = weights
        cli.check_checkpoint(weights, args.trust_checkpoint)
    cli.check_pretrained(config.model, args.trust_checkpoint)
    if args.auto_scale_lr:
        if not config.get('auto_scale_lr'):
            cli.fail(
                '--auto-scale-lr needs auto_scale_lr=dict(base_batch_size=...) in '
                f'{args.config}'
            )
        config.auto_scale_lr.enable = True
    set_randomness(config, args.seed, args.deterministic)
    use_safe_hooks(config, args.trust_checkpoint)
    cli.set_dataloader_defaults(
        config,
        ('train_dataloader', 'val_dataloader', 'test_dataloader'),
        args.no_pin_memory,
        args.no_persistent_workers,
    )


def train(config: Config, trust: bool) -> Path:
    """Train, and end the program in one line if the run cannot start or go on.

    An error of the first iteration belongs to the set-up. A later one is raised.

    Args:
        config: Config of the run.
        trust: Whether checkpoints may hold foreign objects.

    Returns:
        The work dir.
    """
    runner = None
    try:
        check_settings(config)
        runner = cli.build_runner(config, trust)
        runner.train()
    except NotFiniteError as error:
        cli.fail(str(error), status=1)
    except Exception as error:
        if runner is not None and all(
            hook.started for hook in runner.hooks if isinstance(hook, SetupCheckHook)
        ):
            raise
        if not explains_itself(error):
            traceback.print_exc()
        text = describe_error(error, config)
        cli.fail(f'the training cannot start: {text}', status=1)
    return Path(runner.work_dir)


def main() -> None:
    """Run the program."""
    args = parse_args()
    config = cli.load_config(args.config, args.cfg_options)
    merge_args(config, args)
    launch.prepare_distributed(config, args.launcher, args.local_rank)
    with ExitStack() as stack:
        if launch.is_first_process(args.launcher):
            try:
                stack.enter_context(work_dir_lock(config.work_dir))
            except WorkDirInUseError as error:
                cli.fail(str(error), status=1)
            except OSError as error:
                cli.fail(f'the work dir cannot be written: {error}', status=1)
        work_dir = train(config, args.trust_checkpoint)
    if is_main_process():
        for title, text in validation_rows(read_validations(work_dir)):
            print_log(f'{title}: {text}', logger='current')
    launch.close_distributed()


if __name__ == '__main__':
    main()
