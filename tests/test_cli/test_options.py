import pytest

from mmqcs.cli.options import ArgumentParser, add_config_options


@pytest.mark.parametrize('default', [None, [], [7, 8]])
@pytest.mark.parametrize(
    ('line', 'values'),
    [
        ('--seeds 1 2 3', [1, 2, 3]),
        ('--seeds 1 --seeds 2 3', [1, 2, 3]),
        ('--seeds=1 config --seeds 2', [1, 2]),
        ('config --seeds 7 8 --seeds 7 8', [7, 8, 7, 8]),
    ],
)
def test_values_of_a_repeated_option_are_collected(default, line, values):
    parser = ArgumentParser()
    parser.add_argument('config', nargs='?')
    parser.add_argument('--seeds', nargs='+', type=int, default=default)
    assert parser.parse_args(line.split()).seeds == values
    assert parser.parse_args([]).seeds == default


def test_config_options_of_a_repeated_option_are_collected():
    parser = ArgumentParser()
    add_config_options(parser)
    args = parser.parse_args(
        ['--cfg-options', 'a=1', 'b.c=2', '--cfg-options', 'b.c=3']
    )
    assert args.cfg_options == {'a': 1, 'b.c': 3}
