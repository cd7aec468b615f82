"""The Dockerfiles name files, extras and options that exist."""

import configparser
import json
import re
import sys

import pytest
from conftest import ROOT
from test_wheel import FILES, FOLDERS

import mmqcs.demo.__main__ as demo

DOCKERFILES = sorted((ROOT / 'docker').glob('Dockerfile*'))
IGNORE = (ROOT / '.dockerignore').read_text(encoding='utf-8').splitlines()
SENT = {line.removeprefix('!') for line in IGNORE if line.startswith('!')}


def test_what_a_wheel_is_built_from_is_sent():
    assert '*' in IGNORE
    assert {*FILES, *FOLDERS} <= SENT
    assert all((ROOT / name).exists() for name in SENT)


@pytest.mark.parametrize('path', DOCKERFILES, ids=lambda path: path.name)
def test_dockerfile(path, monkeypatch):
    text = path.read_text(encoding='utf-8').replace('\\\n', ' ')
    copied = re.findall(r'^COPY (?:--chown=\w+ )?(\w+) \S+$', text, re.M)
    assert copied == ['configs', 'tools']
    assert set(copied) <= SENT
    setup = configparser.ConfigParser()
    setup.read(ROOT / 'setup.cfg')
    (extras,) = re.findall(r"'/source\[(.+)\]'", text)
    assert set(extras.split(',')) <= set(setup['options.extras_require'])

    stages = text.split('\nFROM ')[1:]
    assert len(stages) == 2
    assert 'USER 1000' in stages[1]
    command = json.loads(re.search(r'^CMD (.+)$', stages[1], re.M)[1])
    assert command[:2] == ['mmqcs', 'demo']
    monkeypatch.setattr(sys, 'argv', command[1:])
    args = demo.parse_args()
    assert args.host == '0.0.0.0'
    assert f'EXPOSE {args.port}\n' in stages[1]
    assert f'http://127.0.0.1:{args.port}' in stages[1]
    compile(
        json.loads(re.search(r' CMD (\["python.+)$', text, re.M)[1])[2], '-c', 'exec'
    )
