"""Every part has an example in its docstring, and all examples are executed."""

import ast
import doctest
import importlib
import inspect
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from doc_case import ROOT, has_detection, public, registered

KNOWN = {'np': np, 'torch': torch, 'cv2': cv2, 'Path': Path}
# parts whose examples need what is not everywhere
NEEDS_DETECTION = {'MMDetDetector', 'build_qcs_roi_head'}
NEEDS_SKLEARN = {'embed'}


def examples_in(module):
    """Name and text of each docstring of a source file that has an example."""
    tree = ast.parse(module.read_text(encoding='utf-8'))
    kinds = (ast.ClassDef, ast.FunctionDef)
    for node in (x for x in tree.body if isinstance(x, kinds)):
        if '>>>' in (ast.get_docstring(node) or ''):
            yield node.name


def module_of(path):
    """The name by which a source file is imported."""
    parts = path.relative_to(ROOT).with_suffix('').parts
    return '.'.join(parts[:-1] if parts[-1] == '__init__' else parts)


EXAMPLES = [
    (module_of(path), name)
    for path in sorted((ROOT / 'mmqcs').rglob('*.py'))
    for name in examples_in(path)
]


@pytest.mark.parametrize(('module', 'name'), EXAMPLES, ids=[x[1] for x in EXAMPLES])
def test_example(module, name, desk, request):
    if name in NEEDS_DETECTION and not has_detection():
        pytest.skip('needs MMDetection and the operators of MMCV: make ops')
    source = importlib.import_module(module)
    part = getattr(source, name)
    if 'qcs.onnx' in part.__doc__:
        request.getfixturevalue('exported')
    if name in NEEDS_SKLEARN:
        pytest.importorskip('sklearn', reason='t-SNE needs scikit-learn')
    own = {k: v for k, v in vars(source).items() if inspect.getmodule(v) is source}
    test = doctest.DocTestParser().get_doctest(
        inspect.getdoc(part), {**KNOWN, **own}, f'{module}.{name}', module, 0
    )
    report: list[str] = []
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    failed, tried = doctest.DocTestRunner(optionflags=flags).run(
        test, out=report.append
    )
    assert tried
    assert not failed, ''.join(report)


def test_every_part_has_an_example():
    parts = (*registered().values(), *public().values())
    named = {(part.__module__, part.__name__) for part in parts}
    assert len(named) > 50
    missing = sorted(named - set(EXAMPLES))
    assert not missing, 'no example in the docstrings of ' + ', '.join(
        f'{module}.{name}' for module, name in missing
    )
