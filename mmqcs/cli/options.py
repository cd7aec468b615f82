"""Command-line arguments and configs of the programs."""

import argparse
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NoReturn

from mmengine.config import Config, DictAction


def fail(message: str, status: int = 2) -> NoReturn:
    """End the program with one line on stderr and no traceback.

    The exit status is 2 for a wrong command line or file, and 1 for a run that cannot
    start or continue.
    """
    print(f'mmqcs: {message}', file=sys.stderr)
    raise SystemExit(status)


@contextmanager
def failing_on(
    *errors: type[Exception], prefix: str = '', status: int = 2
) -> Iterator[None]:
    """End the program with the first line of an error of these types."""
    try:
        yield
    except errors as error:
        lines = str(error).strip().splitlines() or [type(error).__name__]
        fail(prefix + lines[0], status)


def at_least(minimum: int) -> Callable[[str], int]:
    """Return a ``type=`` of argparse for integers that are not below a minimum."""

    def integer(text: str) -> int:
        if int(text) < minimum:
            raise argparse.ArgumentTypeError(f'must be at least {minimum}, got {text}')
        return int(text)

    return integer


CONFIG_HELP = "config file, or the name of a recipe such as 'qcs_ir50_raf'"


class _Collect(argparse.Action):
    """Collect the values of an option that is given once or several times."""

    def __call__(
        self, parser: Any, namespace: Any, values: Any, option: str | None = None
    ) -> None:
        earlier = getattr(namespace, self.dest)
        first = earlier is self.default
        setattr(namespace, self.dest, values if first else [*earlier, *values])


class ArgumentParser(argparse.ArgumentParser):
    """Argument parser that reports errors with :func:`fail`.

    The program has the name by which it was started, as ``tools/train.py`` or ``mmqcs
    train``, and the description keeps its line breaks. ``--option a --option b`` is the
    same as ``--option a b`` where an option takes several values.
    """

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault('prog', sys.argv[0])
        kwargs.setdefault('formatter_class', argparse.RawDescriptionHelpFormatter)
        super().__init__(**kwargs)

    def add_argument(self, *names: Any, **kwargs: Any) -> argparse.Action:
        """Add an argument."""
        if names[0].startswith('-') and kwargs.get('nargs') in ('+', '*'):
            kwargs.setdefault('action', _Collect)
        return super().add_argument(*names, **kwargs)

    def error(self, message: str) -> NoReturn:
        """Report a wrong command line."""
        fail(f'{message} (see {self.prog} --help)')


class _ConfigOptions(DictAction):
    """MMEngine's ``--cfg-options`` with an error message instead of a traceback."""

    def __call__(self, parser: Any, namespace: Any, values: Any, *option: str) -> None:
        try:
            super().__call__(parser, namespace, values, *option)
        except (ValueError, AssertionError, RecursionError) as error:
            text = f'expected key=value pairs, got {" ".join(values)!r}'
            raise argparse.ArgumentError(self, text) from error


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


def add_runner_arguments(
    parser: argparse.ArgumentParser, switches: Mapping[str, str]
) -> None:
    """Add the arguments that training and testing share, and switches of their own."""
    parser.add_argument(
        '--work-dir',
        help='folder for logs and checkpoints; default: work_dir of the config, '
        'otherwise work_dirs/NAME_OF_THE_CONFIG',
    )
    add_config_options(parser)
    shared = {
        '--no-pin-memory': 'do not pin the memory of the data loaders',
        '--trust-checkpoint': 'allow checkpoints that hold more than weights and '
        'records of MMEngine; loading one runs the code in it',
    }
    for name, text in {**shared, **switches}.items():
        parser.add_argument(name, action='store_true', help=text)
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
    """
    # imported here because many programs without a model parse arguments too
    from mmqcs import checkpoints

    with failing_on(OSError, ValueError):  # a missing _base_, an unknown file type
        config = checkpoints.load_config(source)
    misfit = KeyError, IndexError, TypeError, ValueError
    with failing_on(*misfit, prefix=f'--cfg-options do not fit {source}: '):
        config.merge_from_dict(options or {})
    return config
