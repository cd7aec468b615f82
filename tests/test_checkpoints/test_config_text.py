"""Configs as text are read as data."""

import math

import pytest
from conftest import ROOT
from mmengine.config import Config

from mmqcs.checkpoints.config_text import parse_config_text

CONFIGS = sorted(ROOT.glob('configs/qcs/*.py'))


@pytest.mark.parametrize('path', CONFIGS, ids=lambda path: path.stem)
def test_all_that_mmengine_writes_is_read(path):
    config = Config.fromfile(path)
    assert parse_config_text(config.pretty_text).to_dict() == config.to_dict()


def test_values():
    text = (
        "a = dict(b=[1, -2.5, None, True], c=('x', b'y'))\n"
        "d = {'e f': dict(), 3: {1, 2}}\n"
        'g = -inf\nh = nan\n'
    )
    config = parse_config_text(text)
    assert config.a == dict(b=[1, -2.5, None, True], c=('x', b'y'))
    assert config.d == {'e f': {}, 3: {1, 2}}
    assert config.g == -math.inf
    assert math.isnan(config.h)


@pytest.mark.parametrize(
    'line',
    [
        'import os',
        'a = __import__("os")',
        'a = dict(b=open("x"))',
        'a = [x for x in (1, 2)]',
        'a = dict(**{})',
        'a = dict([(1, 2)])',
        'a.b = 1',
        'a = b',
        'a = "x".upper()',
        'dict(a=1)',
        'def f(): pass',
        'a = {**{}}',
        'a = 1 if True else 2',
    ],
)
def test_more_than_settings_is_refused(line):
    with pytest.raises(ValueError, match='more than settings, in line 2'):
        parse_config_text(f'x = 1\n{line}')


@pytest.mark.parametrize('text', ['a = (', 'a = 1\0', '(' * 100_000])
def test_no_config_at_all(text):
    with pytest.raises(ValueError, match='cannot read'):
        parse_config_text(text)
