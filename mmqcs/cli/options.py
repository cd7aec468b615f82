"""What the command-line programs for training and testing share."""

import argparse
import os
import sys
from collections.abc import Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any, NoReturn

from mmengine.config import Config, DictAction
from mmengine.device import get_device
from mmengine.registry import RUNNERS
from mmengine.runner import Runner

from mmqcs.checkpoints.safe_load import (
    CheckpointError,
    ForeignObjectError,
    allow_mmengine_objects,
    check_format,
    load_weights_only,
)
from mmqcs.cli.allocator import keep_freed_memory

__all__ = [
    'ArgumentParser',
    'add_config_options',
    'add_runner_arguments',
    'build_runner',
    'check_checkpoint',
    'check_pretrained',
    'fail',
    'load_config',
    'restrict_loading',
    'set_dataloader_defaults',
    'set_work_dir',
]


def fail(message: str, status: int = 2) -> NoReturn:
    """End the program with one line on stderr, without a traceback.

    Args:
        message: What is wrong and what to do.
        status: Exit status: 2 for a wrong command line or file, 1 for a run that
            cannot start or go on.
    """
    print(f'mmqcs: {message}', file=sys.stderr)
    raise SystemExit(status)


class ArgumentParser(argparse.ArgumentParser):
    """An argument parser that reports errors by :func:`fail`."""

    def error(self, message: str) -> NoReturn:
        """Report a wrong command line in one line."""
        fail(f'{message} (see {self.prog} --help)')


class _ConfigOptions(DictAction):
    """MMEngine's ``--cfg-options`` with an error instead of a traceback."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: str | Sequence[Any] | None,
        option_string: str | None = None,
    ) -> None:
        try:
            super().__call__(parser, namespace, values, option_string)
        except (ValueError, AssertionError, RecursionError) as error:
            given = values if isinstance(values, str) else ' '.join(values or ())
            raise argparse.ArgumentError(
                self, f'expected key=value pairs, got {given!r}'
            ) from error


def add_config_options(parser: argparse.ArgumentParser) -> None:
    """Add ``--cfg-options``."""
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=_ConfigOptions,
        metavar='KEY=VALUE',
        help='override settings of the config, for example '
        'train_dataloader.batch_size=16; lists are written key="[a,b]" or '
        'key=a,b without white space',
    )


def add_runner_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that training and testing have in common."""
    parser.add_argument(
        '--work-dir',
        help='folder for logs and checkpoints; default: work_dir of the config, '
        'else work_dirs/NAME_OF_THE_CONFIG',
    )
    add_config_options(parser)
    parser.add_argument(
        '--no-pin-memory',
        action='store_true',
        help='set pin_memory of the data loaders to False',
    )
    parser.add_argument(
        '--trust-checkpoint',
        action='store_true',
        help='allow checkpoints that hold more than weights and records of MMEngine; '
        'loading one runs the code that is in it',
    )
    parser.add_argument(
        '--launcher',
        choices=['none', 'pytorch', 'slurm', 'mpi'],
        default='none',
        help='what started the processes of a distributed run',
    )
    parser.add_argument(
        '--local_rank',
        '--local-rank',
        type=int,
        default=0,
        help='set by launchers that do not set LOCAL_RANK',
    )


def load_config(path: str, options: dict[str, Any] | None = None) -> Config:
    """Read a config file and merge ``--cfg-options`` into it.

    The options come before the other arguments, so that defaults that depend
    on a setting (such as persistent workers) see its final value.
    """
    if not Path(path).is_file():
        fail(f'config file not found: {path} (looked in {Path.cwd()})')
    try:
        config = Config.fromfile(path)
    except OSError as error:  # a missing _base_ file, an unknown file type
        fail(f'cannot read config file {path}: {error}')
    try:
        config.merge_from_dict(options or {})
    except (KeyError, IndexError, TypeError, ValueError) as error:
        fail(f'--cfg-options do not fit {path}: {error}')
    return config


def check_checkpoint(path: str, trust: bool = False) -> None:
    """Fail early when a local checkpoint does not exist or holds foreign objects.

    Files of other places are checked when they are loaded (:func:`build_runner`).

    Args:
        path: Checkpoint file or URL.
        trust: Whether foreign objects are allowed: loading them runs code.
    """
    if '://' in path:
        return
    file = Path(path).expanduser()
    if not file.is_file():
        fail(f'checkpoint not found: {path} (looked in {Path.cwd()})')
    try:
        if trust:
            check_format(file)
        else:
            allow_mmengine_objects()
            load_weights_only(file)
    except ForeignObjectError as error:
        fail(
            f'{error}, and loading that can run code. Convert it (publish_model.py or '
            f'reference_to_mmqcs.py in tools/model_converters), or give '
            f'--trust-checkpoint if you trust where it comes from'
        )
    except CheckpointError as error:
        fail(str(error))


def check_pretrained(config: Any, trust: bool = False) -> None:
    """Check the local files that ``init_cfg`` of a model names, where they exist.

    Args:
        config: Config of a model or a part of one.
        trust: See :func:`check_checkpoint`.
    """
    if isinstance(config, dict):
        path = config.get('checkpoint')
        named = str(config.get('type', '')).endswith('Pretrained')
        if named and isinstance(path, str) and Path(path).expanduser().is_file():
            check_checkpoint(path, trust)
        config = list(config.values())
    if isinstance(config, (list, tuple)):
        for item in config:
            check_pretrained(item, trust)


def set_work_dir(config: Config, work_dir: str | None, config_path: str) -> None:
    """Set ``work_dir``: argument, else config, else name of the config file."""
    if work_dir is not None:
        config.work_dir = work_dir
    elif config.get('work_dir') is None:
        config.work_dir = str(Path('work_dirs') / Path(config_path).stem)


def set_dataloader_defaults(
    config: Config,
    fields: Sequence[str],
    no_pin_memory: bool = False,
    no_persistent_workers: bool = False,
) -> None:
    """Fill in data loader settings that the config leaves open.

    Args:
        config: The config, changed in place.
        fields: Names of data loaders; absent ones are skipped.
        no_pin_memory: Switch pinned memory off whatever the config says. The
            default is on with an accelerator and off without, where it has
            no effect but a warning.
        no_persistent_workers: Likewise for workers that outlive an epoch. The
            default is on; without workers it is off, as torch demands.
    """
    defaults = {
        'pin_memory': get_device() != 'cpu',
        'persistent_workers': True,
        'collate_fn': {'type': 'default_collate'},
    }
    for field in fields:
        loader = config.get(field)
        if loader is None:
            continue
        for key, value in defaults.items():
            loader.setdefault(key, deepcopy(value))
        if no_pin_memory:
            loader.pin_memory = False
        if no_persistent_workers or loader.get('num_workers', 0) == 0:
            loader.persistent_workers = False


def restrict_loading(trust: bool) -> None:
    """Says, for the rest of the process, what a checkpoint may hold.

    Args:
        trust: Whether foreign objects are allowed. If not, torch refuses them,
            wherever a checkpoint comes from and whatever MMEngine asks of
            ``torch.load``.
    """
    os.environ.pop('TORCH_FORCE_WEIGHTS_ONLY_LOAD', None)
    if trust:
        os.environ['TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD'] = '1'
    else:
        os.environ.pop('TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD', None)
        os.environ['TORCH_FORCE_WEIGHTS_ONLY_LOAD'] = '1'
        allow_mmengine_objects()


def build_runner(config: Config, trust_checkpoint: bool = False) -> Runner:
    """Build the runner that the config asks for.

    Args:
        config: The config.
        trust_checkpoint: See :func:`restrict_loading`.
    """
    if get_device() == 'cpu':
        keep_freed_memory()
    restrict_loading(trust_checkpoint)
    if 'runner_type' in config:
        return RUNNERS.build(config)
    return Runner.from_cfg(config)
