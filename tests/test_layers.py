"""Dependencies inside mmqcs point one way."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from graphlib import TopologicalSorter

import pytest
from conftest import ROOT

EVERYONE = {'__init__', 'version', 'registry', 'openmmlab', 'platform_check', 'atomic'}
"""Small modules without logic of their own, which any package may use."""

ARROWS = {
    'functional': set(),
    'expressions': set(),
    'structures': set(),
    'detection': set(),
    'deployment': set(),
    'model_index': set(),
    'collect_env': set(),
    'synth': {'expressions'},
    'datasets': {'expressions', 'functional', 'structures', 'synth'},
    'models': {'detection', 'functional', 'structures'},
    'evaluation': {'functional'},
    'visualization': set(),
    'explain': {'functional', 'models'},
    'checkpoints': {'datasets', 'expressions', 'model_index', 'models'},
    'faces': {'checkpoints', 'detection'},
    'runs': {'checkpoints', 'functional', 'visualization'},
    'engine': {
        'checkpoints',
        'expressions',
        'functional',
        'models',
        'runs',
        'visualization',
    },
    'register': {'datasets', 'engine', 'evaluation', 'models'},
    'export': {'checkpoints', 'datasets', 'deployment', 'register'},
    'media': set(),
    'apis': {'checkpoints', 'deployment', 'faces', 'media', 'visualization'},
    'cli': {'apis', 'checkpoints', 'export', 'faces', 'register', 'visualization'},
    '__main__': {'cli'},
    'commands': {
        'apis',
        'checkpoints',
        'cli',
        'datasets',
        'engine',
        'export',
        'media',
        'models',
        'runs',
    },
    'demo': {
        'apis',
        'checkpoints',
        'cli',
        'explain',
        'media',
        'synth',
        'visualization',
    },
}
"""Packages and modules that each one imports, besides those for everyone."""


def imports() -> Iterator[tuple[str, str]]:
    """Yield each pair of packages of which the first imports the second."""
    for path in (ROOT / 'mmqcs').rglob('*.py'):
        parts = path.relative_to(ROOT).with_suffix('').parts
        for node in ast.walk(ast.parse(path.read_text(encoding='utf-8'))):
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                base = list(parts[: -node.level]) if node.level else []
                module = '.'.join([*base, *filter(None, [node.module])])
                names = [f'{module}.{alias.name}' for alias in node.names]
            else:
                continue
            for name in names:
                root, _, rest = f'{name}.'.partition('.')
                package = rest.partition('.')[0] or '__init__'
                if root == 'mmqcs' and package != parts[1]:
                    known = (ROOT / 'mmqcs' / package).is_dir()
                    known |= (ROOT / f'mmqcs/{package}.py').is_file()
                    yield parts[1], package if known else '__init__'


def test_only_the_listed_arrows_exist():
    found = {(a, b) for a, b in imports() if a not in EVERYONE and b not in EVERYONE}
    listed = {(a, b) for a, others in ARROWS.items() for b in others}
    assert found == listed


def test_there_is_no_circle():
    graph: dict[str, set[str]] = {}
    for package, other in imports():
        if '__init__' not in (package, other):
            graph.setdefault(package, set()).add(other)
    order = list(TopologicalSorter(graph).static_order())  # raises CycleError
    assert order.index('functional') < order.index('models') < order.index('register')


def modules_after(statement: str) -> set[str]:
    script = f'import sys; {statement}; print("\\n".join(sys.modules))'
    done = subprocess.run(
        [sys.executable, '-W', 'ignore', '-c', script], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


@pytest.mark.parametrize(
    ('package', 'absent'),
    [
        ('functional', {'mmengine', 'mmpretrain', 'matplotlib', 'cv2'}),
        ('models', {'mmqcs.checkpoints', 'mmqcs.datasets', 'mmqcs.engine'}),
        ('datasets', {'mmqcs.models', 'mmqcs.checkpoints', 'matplotlib'}),
        ('cli.options', {'mmqcs.checkpoints', 'mmpretrain'}),
        ('deployment', {'torch', 'mmengine'}),
    ],
)
def test_a_package_imports_no_more_than_it_needs(package, absent):
    loaded = modules_after(f'import mmqcs.{package}')
    assert f'mmqcs.{package}' in loaded
    assert not loaded & absent


def test_only_programs_exit_and_use_the_command_line():
    for path in (ROOT / 'mmqcs').rglob('*.py'):
        name = path.relative_to(ROOT / 'mmqcs').as_posix()
        if not name.startswith(('__main__', 'cli/', 'commands/', 'demo/')):
            assert 'SystemExit' not in path.read_text(encoding='utf-8'), path
