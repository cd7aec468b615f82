"""What the tests of the tools share."""

import importlib
import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType

import pytest

from mmqcs.cli import options as cli

ROOT = Path(__file__).resolve().parents[2]


COMMANDS = {name: name for name in ('train', 'test', 'infer')}
COMMANDS['deployment/export_onnx'] = 'export'
"""Programs of tools/ that are subcommands of ``mmqcs`` as well."""


def load_tool(name: str) -> ModuleType:
    """Import a program of tools/, for its functions and for errors in-process."""
    if name in COMMANDS:
        return importlib.import_module(f'mmqcs.commands.{COMMANDS[name]}')
    spec = importlib.util.spec_from_file_location(name, ROOT / f'tools/{name}.py')
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def merged(module: ModuleType, monkeypatch: pytest.MonkeyPatch, *args: object):
    """The config that a command line leads to."""
    monkeypatch.setattr(sys, 'argv', [f'{module.__name__}.py', *map(str, args)])
    arguments = module.parse_args()
    config = cli.load_config(arguments.config, arguments.cfg_options)
    module.merge_args(config, arguments)
    return config


def epochs(work_dir: Path) -> list[int]:
    """Epochs of the records that all training runs in a work dir wrote."""
    lines = []
    for path in sorted(work_dir.glob('*/vis_data/scalars.json')):
        lines += path.read_text().splitlines()
    records = [json.loads(line) for line in lines]
    return [record['epoch'] for record in records if 'epoch' in record]


def check_error(stop: SystemExit, stderr: str, message: str) -> None:
    """One line on stderr, exit status 2."""
    assert stop.code == 2
    assert stderr.startswith('mmqcs: ')
    assert stderr.count('\n') == 1
    assert message in stderr
