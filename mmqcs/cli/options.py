"""Command-line arguments and configs of the programs."""

import argparse
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

from mmengine.config import Config, DictAction

__all__ = [
    'ArgumentParser',
    'add_config_options',
    'add_runner_arguments',
    'fail',
    'load_config',
]


def fail(message: str, status: int = 2) -> NoReturn:
    """End the program with one line on stderr and no traceback.

    Args:
        message: What is wrong and what to do.
        status: Exit status: 2 for a wrong command line or file, 1 for a run that
            cannot start or continue.
    """
    print(f'mmqcs: {message}', file=sys.stderr)
    raise SystemExit(status)


class ArgumentParser(argparse.ArgumentParser):
    """Argument parser that reports errors with :func:`fail`."""

    def error(self, message: str) -> NoReturn:
        """Report a wrong command line."""
        fail(f'{message} (see {self.prog} --help)')


class _ConfigOptions(DictAction):
    """MMEngine's ``--cfg-options`` with an error message instead of a traceback."""

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
        'train_dataloader.batch_size=16; write lists as key="[a,b]" or key=a,b, '
        'without spaces',
    )


def add_runner_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that training and testing share."""
    parser.add_argument(
        '--work-dir',
        help='folder for logs and checkpoints; default: work_dir of the config, '
        'otherwise work_dirs/NAME_OF_THE_CONFIG',
    )
    add_config_options(parser)
    parser.add_argument(
        '--no-pin-memory',
        action='store_true',
        help='do not pin the memory of the data loaders',
    )
    parser.add_argument(
        '--trust-checkpoint',
        action='store_true',
        help='allow checkpoints that hold more than weights and records of MMEngine; '
        'loading one runs the code in it',
    )
    parser.add_argument(
        '--launcher',
        choices=['none', 'pytorch', 'slurm', 'mpi'],
        default='none',
        help='launcher that started the processes of a distributed run',
    )
    parser.add_argument(
        '--local_rank',
        '--local-rank',
        type=int,
        default=0,
        help='set by launchers that do not set LOCAL_RANK',
    )


def load_config(source: str, options: dict[str, Any] | None = None) -> Config:
    """Load a config and merge ``--cfg-options`` into it, or fail in one line.

    The options come before all other arguments, so that defaults that depend on a
    setting (such as persistent workers) see its final value.

    Args:
        source: Config file, or the name of a model in the model index.
        options: Value of ``--cfg-options``.
    """
    # imported here because many programs without a model parse arguments too
    from mmqcs import checkpoints

    try:
        config = checkpoints.load_config(source)
    except (OSError, ValueError) as error:  # a missing _base_, an unknown file type
        fail(str(error))
    try:
        config.merge_from_dict(options or {})
    except (KeyError, IndexError, TypeError, ValueError) as error:
        fail(f'--cfg-options do not fit {source}: {error}')
    return config
