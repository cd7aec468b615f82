"""Reads the Markdown of the repository: code blocks, links and anchors.

Which blocks are executed, and how, is decided here for all pages alike:

- ``python``: run page by page, in order, in one namespace; a block that begins with
  ``_base_`` is a config, of which model, optimiser and data sets are built.
- ``pycon``: run as doctests, in the same namespace.
- ``bash``: run by bash with stand-ins for python, pip, make and others, which note what
  they are asked for; see :func:`commands`.

An HTML comment before a block leaves it out, ``<!-- not executed: reason -->``, or does
so where something is missing, ``<!-- needs: MMDetection -->``.
"""

import doctest
import importlib.util
import os
import re
import shutil
import stat
import subprocess
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token
from mmengine.config import Config
from mmengine.optim import build_optim_wrapper

import mmqcs.apis
import mmqcs.deployment
import mmqcs.explain
import mmqcs.faces
import mmqcs.functional
import mmqcs.runs.curves
import mmqcs.runs.report
import mmqcs.visualization
from mmqcs import registry
from mmqcs.detection import require_detection
from mmqcs.registry import DATASETS, MODELS

ROOT = Path(__file__).resolve().parents[1]
_PUBLIC = (
    mmqcs.apis,
    mmqcs.deployment,
    mmqcs.explain,
    mmqcs.faces,
    mmqcs.functional,
    mmqcs.runs.curves,
    mmqcs.runs.report,
    mmqcs.visualization,
)
_MARKDOWN = MarkdownIt().enable('table')
_COMMENT = re.compile(r'<!-- (not executed|needs): (.+?) -->\s*')
_PROGRAMS = (
    *('bash', 'docker', 'git', 'make', 'mim', 'mmqcs', 'pip', 'python', 'srun'),
)
# Starts the scripts that start training for others; of all else notes the words, with
# a byte between them that no word holds.
_STAND_IN = """#!/bin/sh
case "${{0##*/}} ${{1:-}}" in
  'bash tools/dist_'*|'bash tools/slurm_'*) exec {bash} "$@";;
esac
for word in "${{0##*/}}" "$@"; do printf '%s\\037' "$word"; done >>'{notes}'
echo >>'{notes}'
"""


def has_detection() -> bool:
    """Whether examples with detectors can run."""
    try:
        require_detection('')
    except ImportError:
        return False
    import mmdet.apis  # noqa: F401  # prints something when it is first imported

    return True


def exports() -> bool:
    """Whether ONNX files can be written and run."""
    packages = ('onnx', 'onnxscript', 'onnxruntime')
    return all(importlib.util.find_spec(name) for name in packages)


def registered() -> dict[str, object]:
    """What configs can name as mmqcs.X: class or function, by X."""
    found = {}
    for kind in registry.__all__:
        table = getattr(registry, kind)
        table.import_from_location()
        parts = table.module_dict.items()
        found |= {k: x for k, x in parts if x.__module__.startswith('mmqcs.')}
    return found


def public() -> dict[str, object]:
    """Classes and functions that programs call, by their names."""
    return {
        name: part
        for package in _PUBLIC
        for name in package.__all__
        if callable(part := getattr(package, name))
    }


def documents() -> list[Path]:
    """All Markdown files of the repository."""
    folders = (ROOT, ROOT / 'docs', *(ROOT / 'configs').iterdir())
    found = [path for folder in folders for path in folder.glob('*.md')]
    found += (ROOT / 'docs').glob('[!_]*/*.md')
    return sorted(found)


def name(path: Path) -> str:
    """A file as the tests name it."""
    return path.relative_to(ROOT).as_posix()


@dataclass(frozen=True)
class Block:
    """A fenced block of code.

    Args:
        page: The file.
        line: Its first line, counted from 1.
        language: What is written after the fence.
        code: The text.
        reason: Why it is not executed, or None.
        needs: What must be there for it, or None.
    """

    page: Path
    line: int
    language: str
    code: str
    reason: str | None = None
    needs: str | None = None

    def __str__(self) -> str:
        return f'{self.page.name}:{self.line}'


def blocks(page: Path, *languages: str) -> list[Block]:
    """The blocks of a page, in order.

    Args:
        page: The file.
        languages: Those wanted; by default all.
    """
    tokens = _MARKDOWN.parse(page.read_text(encoding='utf-8'))
    found = []
    for before, token in zip([None, *tokens], tokens, strict=False):
        if token.type != 'fence' or (languages and token.info not in languages):
            continue
        comment = {}
        if before is not None and before.type == 'html_block':
            comment = dict(_COMMENT.findall(before.content))
        found.append(
            Block(
                page,
                token.map[0] + 2,
                token.info,
                token.content,
                comment.get('not executed'),
                comment.get('needs'),
            )
        )
    return found


def _inline(page: Path) -> list[Token]:
    text = page.read_text(encoding='utf-8')
    tokens = [x for x in _MARKDOWN.parse(text) if x.type == 'inline']
    return [child for token in tokens for child in token.children or ()]


def links(page: Path) -> list[str]:
    """Targets of all links and images of a page."""
    targets = [x.attrGet('href') or x.attrGet('src') for x in _inline(page)]
    return [str(target) for target in targets if target]


def anchors(page: Path) -> set[str]:
    """The anchors that code hosts give the headings of a page."""
    tokens = _MARKDOWN.parse(page.read_text(encoding='utf-8'))
    titles = [
        ''.join(child.content for child in token.children)
        for before, token in pairwise(tokens)
        if before.type == 'heading_open'
    ]
    slugs = [
        re.sub(r'[^\w\- ]', '', title.lower()).replace(' ', '-') for title in titles
    ]
    return set(slugs)


def run_block(block: Block, namespace: dict) -> None:
    """Executes a block of Python, a config or a session in the current folder."""
    if block.language == 'pycon':
        parser = doctest.DocTestParser()
        test = parser.get_doctest(
            block.code, namespace, str(block), str(block.page), block.line - 1
        )
        report: list[str] = []
        runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS, verbose=False)
        failed, _ = runner.run(test, out=report.append, clear_globs=False)
        namespace.update(test.globs)
        assert not failed, ''.join(report)
    elif block.code.startswith('_base_'):
        path = Path(f'{block.page.stem}_{block.line}.py')
        path.write_text(block.code)
        config = Config.fromfile(path)
        # a config names parts of MMPretrain by their bare names
        model = MODELS.build(dict(config.model, _scope_='mmpretrain'))
        build_optim_wrapper(model, config.optim_wrapper)
        for split in ('train', 'val', 'test'):
            dataset = config[f'{split}_dataloader'].dataset
            if dataset.type.startswith('mmqcs.'):  # others are not there
                assert len(DATASETS.build(dict(dataset, _scope_='mmpretrain')))
    else:
        exec(compile(block.code, str(block), 'exec'), namespace)


def commands(block: Block, folder: Path) -> list[list[str]]:
    """Runs a block of bash in the current folder, with stand-ins for programs.

    Args:
        block: The block.
        folder: Where to put the stand-ins.

    Returns:
        What was to be started: the names of the programs, with their arguments.
    """
    notes = folder / 'notes'
    notes.write_text('')
    bash = shutil.which('bash')
    for program in _PROGRAMS:
        path = folder / program
        path.write_text(_STAND_IN.format(notes=notes, bash=bash))
        path.chmod(stat.S_IRWXU)
    done = subprocess.run(
        [bash, '-euo', 'pipefail', '-c', block.code],
        env={**os.environ, 'PATH': f'{folder}:{os.environ["PATH"]}'},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, f'{block}: {done.stderr}'
    return [line.split('\037')[:-1] for line in notes.read_text().splitlines()]
