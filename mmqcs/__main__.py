"""The command ``mmqcs``, also ``python -m mmqcs``: passes on to its subcommands.

It imports neither PyTorch nor OpenMMLab itself, so that its help appears at once.
"""

import difflib
import glob
import io
import os
import sys
import warnings
from contextlib import redirect_stdout
from importlib import import_module

from mmqcs.cli.startup import quick_imports
from mmqcs.platform_check import check_platform
from mmqcs.version import __version__

COMMANDS = {
    **{name: f'mmqcs.commands.{name}' for name in ('infer', 'export', 'train', 'test')},
    'demo': 'mmqcs.demo.__main__',
}
"""Module of each subcommand."""

HELP = """\
usage: mmqcs INPUT [INPUT ...] [options]
       mmqcs COMMAND ...
       mmqcs --help | --version

Name the expressions of faces in images, videos and folders. Prints one line per
face, and writes tables and annotated copies to work_dirs/infer.

  mmqcs photo.jpg holidays/ film.mp4
  mmqcs --camera 0 --show

Commands, each with an example; mmqcs COMMAND --help lists the options:
  infer    the same; needed only for inputs that are named like a command
           mmqcs infer train
  demo     the same as a page in the browser
           mmqcs demo --port 8080
  export   write an ONNX file, which runs without PyTorch
           mmqcs export
  train    train a network by a config file, or by the name of a recipe
           mmqcs train qcs_ir50_raf --amp
  test     test a checkpoint
           mmqcs test qcs_ir50_raf CHECKPOINT
"""


def main() -> int | None:
    """Run a subcommand, and return its exit status."""
    first, *rest = sys.argv[1:] or ['']
    if first in ('-h', '--help'):
        print(HELP, end='')
        return 0
    if first == '--version':
        print(f'mmqcs {__version__}')
        return 0
    if not first:
        print(HELP, end='', file=sys.stderr)
        return 2
    if first not in COMMANDS:
        if not (first.startswith('-') or _may_be_input(first)):
            return _fail(_unknown(first))
        first, rest = 'infer', [first, *rest]
    try:
        check_platform()
    except ImportError as error:
        return _fail(str(error))
    # the name under which the subcommand speaks of itself
    sys.argv = [f'mmqcs {first}', *rest]
    # MMPretrain and an MMCV without operators report parts that no subcommand needs
    with quick_imports(), redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.filterwarnings('ignore', 'Fail to import ``MultiScaleDeformable')
        command = import_module(COMMANDS[first])
    return command.main()


def _may_be_input(text: str) -> bool:
    """Return whether ``infer`` should judge an argument, URLs and broken links too."""
    return os.path.lexists(text) or glob.has_magic(text) or '://' in text


def _unknown(text: str) -> str:
    near = difflib.get_close_matches(text, COMMANDS, n=1)
    hint = f'did you mean {near[0]}?' if near else 'see mmqcs --help'
    return f'no file or subcommand {text!a}; {hint}'


def _fail(message: str) -> int:
    print(f'mmqcs: {message}', file=sys.stderr)
    return 2


if __name__ == '__main__':
    raise SystemExit(main())
