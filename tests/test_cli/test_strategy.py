"""What asks for more than data parallelism is found by its name."""

import pytest
from mmengine.config import Config

from mmqcs.cli.strategy import unsupported_strategy


class FSDPStrategy:
    """Stands for a class that is named by itself, as in new-style configs."""


@pytest.mark.parametrize(
    ('config', 'setting'),
    [
        ({'strategy': {'type': 'FSDPStrategy'}}, "strategy.type='FSDPStrategy'"),
        ({'strategy': {'type': FSDPStrategy}}, "strategy.type='FSDPStrategy'"),
        ({'strategy': 'DeepSpeedStrategy'}, "strategy.type='DeepSpeedStrategy'"),
        (
            {'strategy': {'type': 'mmengine.DeepSpeedStrategy', 'bf16': {}}},
            "strategy.type='DeepSpeedStrategy'",
        ),
        (
            {'strategy': {'type': 'ColossalAIStrategy'}},
            "strategy.type='ColossalAIStrategy'",
        ),
        (
            {'model_wrapper_cfg': {'type': 'MMFullyShardedDataParallel'}},
            "model_wrapper_cfg.type='MMFullyShardedDataParallel'",
        ),
        (
            {'optim_wrapper': {'type': 'DeepSpeedOptimWrapper'}},
            "optim_wrapper.type='DeepSpeedOptimWrapper'",
        ),
    ],
)
def test_sharding_is_named(config, setting):
    assert unsupported_strategy(config) == setting
    assert unsupported_strategy(Config(config)) == setting


@pytest.mark.parametrize(
    'config',
    [
        {},
        {'strategy': None, 'model_wrapper_cfg': None},
        {'strategy': {'type': 'DDPStrategy'}},
        {'strategy': {'type': 'mmengine.SingleDeviceStrategy'}},
        {'model_wrapper_cfg': {'type': 'MMDistributedDataParallel'}},
        {'optim_wrapper': {'type': 'mmqcs.SAMOptimWrapper'}},
    ],
)
def test_data_parallelism_is_not(config):
    assert unsupported_strategy(Config(config)) is None
