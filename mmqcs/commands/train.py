"""Train a model.

At the end, two validations are printed: "best epoch", which is selected by the accuracy
that it reports, and "last epoch". The published protocol reports the best epoch on the
test split.
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
from mmengine.registry import MODELS

import mmqcs  # noqa: F401  (checks the versions of the OpenMMLab packages)
from mmqcs.checkpoints.safe_load import CheckpointError
from mmqcs.cli import launch
from mmqcs.cli import options as cli
from mmqcs.cli.setup_errors import check_settings, describe_error, explains_itself
from mmqcs.engine import NotFiniteError, SetupCheckHook
from mmqcs.models import FERClassifier
from mmqcs.runs.lock import WorkDirInUseError, work_dir_lock
from mmqcs.runs.log import read_validations, validation_rows
from mmqcs.runs.resume import find_newest, read_resumable

# Each autocasts to bfloat16 if the device has it, otherwise to float16 with a loss
# scaler.
AMP_WRAPPERS = {
    'OptimWrapper': 'mmqcs.AutocastOptimWrapper',
    'SAMOptimWrapper': 'mmqcs.SAMAmpOptimWrapper',
}
ALREADY_AMP = 'Amp', 'Apex', 'Autocast', 'SAMAmp'
SWITCHES = {
    '--amp': 'train with automatic mixed precision; SAM stays SAM',
    '--compile': 'compile the network, and replay CUDA graphs of a QCSClassifier or '
    'FERClassifier: the first iterations take longer, all others less time',
    '--no-validate': 'do not evaluate while training',
    '--auto-scale-lr': "scale the learning rate from the config's base_batch_size to "
    'the actual batch size',
    '--no-persistent-workers': 'start new data loading workers in each epoch',
    '--deterministic': 'use deterministic algorithms only (slower)',
}


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = cli.ArgumentParser(description=__doc__)
    parser.add_argument('config', help=cli.CONFIG_HELP)
    cli.add_runner_arguments(parser, SWITCHES)
    parser.add_argument(
        '--resume',
        nargs='?',
        const='auto',
        metavar='CHECKPOINT',
        help='continue from CHECKPOINT; without a value, from the latest checkpoint in '
        'the work dir',
    )
    parser.add_argument('--seed', type=int, help='random seed')
    return parser.parse_args()


def use_amp(config: Config) -> None:
    """Replace the optimizer wrapper by its mixed-precision counterpart."""
    given = config.optim_wrapper.get('type', 'OptimWrapper')
    name = (given if isinstance(given, str) else given.__name__).split('.')[-1]
    if name in AMP_WRAPPERS:
        config.optim_wrapper.type = AMP_WRAPPERS[name]
    elif name.removesuffix('OptimWrapper') not in ALREADY_AMP:
        cli.fail(
            f'--amp does not know a mixed-precision form of optim_wrapper.type='
            f'{given!r}, only of {", ".join(AMP_WRAPPERS)}; leave --amp out and set a '
            f'mixed-precision type in the config'
        )


def use_compile(config: Config) -> None:
    """Have the model compiled."""
    name = config.model.get('type')
    with MODELS.switch_scope_and_registry('mmpretrain') as registry:
        kind = registry.get(name) if isinstance(name, str) else name
    if isinstance(kind, type) and issubclass(kind, FERClassifier):
        config.model.compile = True
    else:
        hook = {'type': 'mmqcs.CompileHook'}
        config.custom_hooks = [*(config.get('custom_hooks') or []), hook]


def set_randomness(config: Config, seed: int | None, deterministic: bool) -> None:
    """Put the seed and determinism of the command line in the config."""
    randomness = {'seed': None, **(config.get('randomness') or {})}
    if seed is not None:
        randomness['seed'] = seed
    if deterministic:
        randomness['deterministic'] = True
        # cuBLAS reads this when CUDA starts, and torch insists on it
        os.environ.setdefault('CUBLAS_WORKSPACE_CONFIG', ':4096:8')
    config.randomness = randomness


def choose_resume(config: Config, trust: bool = False) -> None:
    """Choose the checkpoint from which a run is resumed.

    If ``load_from`` names none, this is the newest readable one in the work dir. If
    there is none at all, the run starts from the beginning.
    """
    path = config.get('load_from')
    with cli.failing_on(CheckpointError, status=1):
        if path is not None:
            launch.check_checkpoint(path, trust)
            if '://' not in path:
                read_resumable(Path(path).expanduser(), trust)
            return
        found = find_newest(_checkpoint_folders(config), trust)
    if found is None:
        print_log(
            f'No checkpoint in {config.work_dir}: the run starts at the beginning'
        )
        config.resume = False
        return
    for reason in found.skipped:
        print_log(f'Skipped: {reason}', level=logging.WARNING)
    print_log(
        f'Resuming from {found.path} (epoch {found.epoch}, iteration {found.iteration})'
    )
    config.load_from = str(found.path)


def _checkpoint_folders(config: Config) -> list[Path]:
    """Return the folders in which a run saves checkpoints."""
    work_dir = Path(config.work_dir)
    folders = [work_dir]
    hook = (config.get('default_hooks') or {}).get('checkpoint') or {}
    if hook.get('out_dir'):
        folders.append(Path(hook['out_dir']) / work_dir.name)
    return folders


def use_safe_hooks(config: Config, trust: bool) -> None:
    """Add the hooks that guard a run, whatever the config names."""
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
    """Put the command line into the config."""
    launch.check_strategy(config)
    launch.set_work_dir(config, args.work_dir, args.config)
    if args.no_validate:
        config.val_cfg = config.val_dataloader = config.val_evaluator = None
    if args.amp:
        use_amp(config)
    if args.compile:
        use_compile(config)
    weights = config.get('load_from')
    if args.resume is not None:
        config.resume = True
        config.load_from = None if args.resume == 'auto' else args.resume
    if config.get('resume'):
        choose_resume(config, args.trust_checkpoint)
    if not config.get('resume') and weights:
        config.load_from = weights
        launch.check_checkpoint(weights, args.trust_checkpoint)
    launch.check_pretrained(config.model, args.trust_checkpoint)
    if args.auto_scale_lr:
        if not config.get('auto_scale_lr'):
            cli.fail(
                '--auto-scale-lr needs auto_scale_lr=dict(base_batch_size=...) in '
                f'{args.config}'
            )
        config.auto_scale_lr.enable = True
    set_randomness(config, args.seed, args.deterministic)
    use_safe_hooks(config, args.trust_checkpoint)
    launch.set_dataloader_defaults(
        config,
        ('train_dataloader', 'val_dataloader', 'test_dataloader'),
        args.no_pin_memory,
        args.no_persistent_workers,
    )


def train(config: Config, trust: bool) -> Path:
    """Train, and end the program in one line if the run cannot start or continue.

    An error in the first iteration counts as an error of the set-up. Later ones are
    raised. Returns the work dir.
    """
    runner = None
    try:
        check_settings(config)
        runner = launch.build_runner(config, trust)
        with cli.failing_on(NotFiniteError, status=1):
            runner.train()
    except Exception as error:
        if runner is not None and all(
            hook.started for hook in runner.hooks if isinstance(hook, SetupCheckHook)
        ):
            raise
        if not explains_itself(error):
            traceback.print_exc()
        cli.fail(f'the training cannot start: {describe_error(error)}', status=1)
    return Path(runner.work_dir)


def main() -> None:
    """Run the program."""
    args = parse_args()
    config = cli.load_config(args.config, args.cfg_options)
    merge_args(config, args)
    launch.prepare_distributed(config, args.launcher, args.local_rank)
    with ExitStack() as stack:
        if launch.is_first_process(args.launcher):
            problem = 'cannot write to the work dir: '
            with (
                cli.failing_on(WorkDirInUseError, status=1),
                cli.failing_on(OSError, prefix=problem, status=1),
            ):
                stack.enter_context(work_dir_lock(config.work_dir))
        work_dir = train(config, args.trust_checkpoint)
    if is_main_process():
        for title, text in validation_rows(read_validations(work_dir)):
            print_log(f'{title}: {text}', logger='current')
    launch.close_distributed()


if __name__ == '__main__':
    main()
