"""Text logs without the values that are only plotted."""

import pytest
from mmengine.logging import MessageHub
from mmengine.runner import LogProcessor

from mmqcs.registry import LOG_PROCESSORS


class Loop:
    dataloader = range(10)


class FakeRunner:
    epoch = 0
    iter = 4
    max_epochs = 1
    _train_loop = Loop()
    train_loop = Loop()
    train_dataloader = range(10)

    def __init__(self):
        self.message_hub = MessageHub.get_instance('test_log_processor')
        for name in ('loss', 'loss_base', 'ce_base/anchor', 'theta/level_1'):
            self.message_hub.update_scalar(f'train/{name}', 2.0)
            self.message_hub.update_scalar(f'train/{name}', 1.0)
        self.message_hub.update_scalar('train/lr', 0.1)


@pytest.fixture
def runner():
    return FakeRunner()


def test_what_is_quiet_is_recorded_but_not_printed(runner):
    processor = LOG_PROCESSORS.build(dict(type='mmqcs.QuietLogProcessor'))
    values, text = processor.get_log_after_iter(runner, 4, 'train')
    expected, long = LogProcessor().get_log_after_iter(runner, 4, 'train')
    assert values == expected
    assert 'ce_base/anchor' in values and 'theta/level_1' in values
    assert 'ce_base/anchor: 1.0000  theta/level_1: 1.0000' in long
    assert text == long.replace('  ce_base/anchor: 1.0000  theta/level_1: 1.0000', '')


def test_nothing_quiet(runner):
    processor = LOG_PROCESSORS.build(dict(type='mmqcs.QuietLogProcessor', quiet=r'$.'))
    long = LogProcessor().get_log_after_iter(runner, 4, 'train')
    assert processor.get_log_after_iter(runner, 4, 'train') == long
