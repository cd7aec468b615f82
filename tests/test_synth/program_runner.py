"""Runs the programs that write SynthFER to disk."""

import importlib.util
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., subprocess.CompletedProcess]


@pytest.fixture
def run(monkeypatch, capsys) -> Run:
    """Runs a program in this process, where nothing is imported again."""

    def run(path: Path, *arguments: object) -> subprocess.CompletedProcess:
        spec = importlib.util.spec_from_file_location(path.stem, path)
        module = importlib.util.module_from_spec(spec)
        # by its name the module is found when its functions go to the workers
        monkeypatch.setitem(sys.modules, path.stem, module)
        spec.loader.exec_module(module)
        command = [path.name, *map(str, arguments)]
        monkeypatch.setattr(sys, 'argv', command)
        code = 0
        try:
            module.main()
        except SystemExit as stop:
            code = stop.code
        out, err = capsys.readouterr()
        return subprocess.CompletedProcess(command, code, out, err)

    return run
