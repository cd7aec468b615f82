"""All code in the Markdown of the repository is executed, or says why it is not."""

import configparser
import itertools
import re
import sys
from argparse import ArgumentParser

import pytest
from doc_case import (
    ROOT,
    blocks,
    commands,
    documents,
    exports,
    has_detection,
    name,
    run_block,
)
from test_tools.tool_helpers import load_tool

import mmqcs.__main__
import mmqcs.demo.__main__

EXECUTED = ('python', 'pycon', 'bash')
# not code of ours
OTHER = (
    *('text', 'bibtex', 'json', 'yaml', 'javascript'),
    *('{model-zoo} qcs', '{model-zoo} mix', '{toctree}'),
)
# pages whose blocks belong together and are executed by a test of their own
TESTED_ELSEWHERE = {
    'docs/extending.md': 'tests/test_tools/test_extending.py',
    'docs/http_api.md': 'tests/test_demo/test_http_api.py',
}
PARTS = {
    'MMDetection': has_detection,
    'mmqcs[export]': exports,
}
MAKEFILE = (ROOT / 'Makefile').read_text()

PAGES = [
    page
    for page in documents()
    if name(page) not in TESTED_ELSEWHERE and blocks(page, 'python', 'pycon')
]
COMMANDS = [
    block for page in documents() for block in blocks(page, 'bash') if not block.reason
]


def test_blocks_have_a_known_language():
    for block in itertools.chain.from_iterable(map(blocks, documents())):
        assert block.language in (*EXECUTED, *OTHER), (
            f'{block} has the language {block.language!r}, which is not executed; use '
            f'one of {", ".join(EXECUTED)}'
        )
        assert block.needs is None or block.needs in PARTS, block


def test_pages_tested_elsewhere_are():
    for page, test in TESTED_ELSEWHERE.items():
        assert page in (ROOT / test).read_text()


@pytest.mark.parametrize('page', PAGES, ids=name)
def test_python(page, desk, request):
    namespace = {'__name__': '__main__'}
    if exports() and any('mmqcs[export]' in (x.needs or '') for x in blocks(page)):
        request.getfixturevalue('exported')
    skipped = []
    for block in blocks(page, 'python', 'pycon'):
        if block.reason is None and (not block.needs or PARTS[block.needs]()):
            run_block(block, namespace)
        else:
            skipped.append(f'{block}: {block.reason or block.needs}')
    if any(block.needs and not PARTS[block.needs]() for block in blocks(page)):
        pytest.skip('; '.join(skipped))


class Parsed(Exception):  # noqa: N818
    """The command line was accepted."""


def check_program(main, path, arguments, monkeypatch):
    """A program accepts its arguments; it is not run."""
    parse = ArgumentParser.parse_args

    def parse_only(*args, **kwargs):
        parse(*args, **kwargs)
        raise Parsed

    monkeypatch.setattr(ArgumentParser, 'parse_args', parse_only)
    monkeypatch.setattr(sys, 'argv', [str(path), *arguments])
    with pytest.raises((Parsed, SystemExit)) as end:
        raise SystemExit(main())
    assert end.type is Parsed or not end.value.code, f'{path} {arguments}'


def check_python(words, monkeypatch):
    if words[0] == '-c':
        compile(words[1], '-c', 'exec')
        return
    at = [i for i, word in enumerate(words) if re.search(r'(^|/)tools/\S+\.py$', word)]
    if words[:2] == ['-m', 'pytest']:
        assert all((ROOT / word).exists() for word in words[2:] if '/' in word), words
        return
    if words == ['-m', 'mmqcs.collect_env']:
        return
    if words[:2] == ['-m', 'mmqcs.demo']:
        check_program(mmqcs.demo.__main__.main, 'mmqcs.demo', words[2:], monkeypatch)
        return
    assert at, f'python {words} is none of the programs in tools/'
    # scripts start programs by their whole path
    path = (ROOT / words[at[0]]).resolve()
    assert path.is_file(), path
    for word in words[at[0] + 1 :]:
        if word.startswith('configs/'):
            assert (ROOT / word).exists(), word
    monkeypatch.syspath_prepend(path.parent)
    tool = load_tool(path.relative_to(ROOT / 'tools').with_suffix('').as_posix())
    check_program(tool.main, path, words[at[0] + 1 :], monkeypatch)


def check_make(words):
    for word in words:
        variable, equals, _ = word.partition('=')
        if equals:
            assert re.search(rf'^{variable} \?=|\$\({variable}\)', MAKEFILE, re.M), word
        else:
            assert re.search(rf'^{word}:', MAKEFILE, re.M), f'make {word}'


def check_pip(words):
    setup = configparser.ConfigParser()
    setup.read(ROOT / 'setup.cfg')
    assert words[0] == 'install', words
    for word in words[1:]:
        if match := re.fullmatch(r'(?:\.|mmqcs)\[(\w[\w,-]*)\]', word):
            extras = set(match[1].split(','))
            assert extras <= set(setup['options.extras_require']), word


def check_docker(words, monkeypatch):
    if words[0] == 'build':
        assert (ROOT / words[words.index('-f') + 1]).is_file(), words
        return
    assert words[0] == 'run', words
    image = min(words.index(x) for x in ('mmqcs', 'mmqcs:cuda') if x in words)
    program, *rest = words[image + 1 :] or ['mmqcs', 'demo']
    if program == 'python':
        check_python(rest, monkeypatch)
    else:
        assert program == 'mmqcs'
        check_program(mmqcs.__main__.main, 'mmqcs', rest, monkeypatch)


def check_mim(words):
    command, *words = words
    if command == 'install':
        return check_pip(['install', *words])
    package, name, *_ = words
    assert package == 'mmqcs'
    if command in ('train', 'test'):
        assert len(list(ROOT.glob(f'configs/*/{name}'))) == 1, name
    elif command == 'run':
        path = name.replace(':', '/')
        assert len(list(ROOT.glob(f'tools/**/{path}.py'))) == 1, name
    else:
        assert command in ('search', 'download'), command
        assert name == '--config' and list(ROOT.glob(f'configs/*/{words[2]}.py'))


@pytest.mark.parametrize('block', COMMANDS, ids=str)
def test_bash(block, desk, tmp_path, monkeypatch):
    started = commands(block, tmp_path)
    assert started or not re.search(
        r'\b(python|make|docker|mim|mmqcs|pip|bash)\b', block.code
    )
    for program, *words in started:
        with monkeypatch.context() as patch:
            if program in ('python', 'srun'):
                check_python(words, patch)
            elif program == 'mmqcs':
                check_program(mmqcs.__main__.main, 'mmqcs', words, patch)
            elif program == 'make':
                check_make(words)
            elif program == 'pip':
                check_pip(words)
            elif program == 'docker':
                check_docker(words, patch)
            elif program == 'mim':
                check_mim(words)
            elif program == 'bash':
                assert (ROOT / words[0]).is_file(), words


def test_a_page_of_this_repository_cannot_hide_code():
    """Indented blocks are not looked at, so there are none."""
    fences = re.compile(r'^( *)```', re.M)
    for page in documents():
        text = page.read_text(encoding='utf-8')
        assert len(fences.findall(text)) == 2 * len(blocks(page)), name(page)


def test_what_a_wrong_block_does(tmp_path, monkeypatch):
    """The checks above can fail."""
    monkeypatch.chdir(ROOT)
    page = tmp_path / 'page.md'
    page.write_text(
        '```bash\npython tools/train.py CONFIG --no-such-option\n```\n\n'
        '```bash\npython -m mmqcs.demo --no-such-option\n```\n\n'
        '```bash\nmmqcs no-such.jpg\n```\n\n'
        '```bash\nmake no-such-target\n```\n\n'
        '<!-- not executed: costs money -->\n```bash\npython tools/none.py\n```\n\n'
        '```pycon\n>>> 1 + 1\n3\n```\n'
    )
    option, module, missing, target, reason = blocks(page, 'bash')
    assert reason.reason == 'costs money'
    for block in (option, module):
        with pytest.raises(AssertionError):
            check_python(commands(block, tmp_path)[0][1:], monkeypatch)
    (words,) = commands(missing, tmp_path)
    with pytest.raises(AssertionError):
        check_program(mmqcs.__main__.main, words[0], words[1:], monkeypatch)
    with pytest.raises(AssertionError):
        check_make(commands(target, tmp_path)[0][1:])
    with pytest.raises(AssertionError):
        check_python(commands(reason, tmp_path)[0][1:], monkeypatch)
    (session,) = blocks(page, 'pycon')
    with pytest.raises(AssertionError, match='Expected:'):
        run_block(session, {})
