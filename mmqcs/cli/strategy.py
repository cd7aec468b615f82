"""Which of MMEngine's training strategies the tools run."""

from typing import Any

__all__ = ['strategy_name', 'unsupported_strategy']

_SUPPORTED = ('SingleDeviceStrategy', 'DDPStrategy')
_FAMILIES = ('DeepSpeed', 'FSDP', 'FullySharded', 'ColossalAI')


def _name(part: Any) -> str:
    """Bare name of the type that a part of a config asks for, '' if none."""
    kind = part.get('type', '') if isinstance(part, dict) else ''
    return (kind if isinstance(kind, str) else kind.__name__).split('.')[-1]


def strategy_name(config: Any) -> str:
    """Bare name of the strategy that a config of a run asks for, '' if none."""
    strategy = config.get('strategy')
    name = strategy if isinstance(strategy, str) else _name(strategy)
    return name.split('.')[-1]


def unsupported_strategy(config: Any) -> str | None:
    """Says what in a config asks for training other than by data parallelism.

    Looks at names alone: nothing is imported or built.

    Args:
        config: Config of a run, a mapping.

    Returns:
        The setting as ``key='value'``, or None if there is none.
    """
    name = strategy_name(config)
    if name and name not in _SUPPORTED:
        return f'strategy.type={name!r}'
    for key in ('model_wrapper_cfg', 'optim_wrapper'):
        name = _name(config.get(key))
        if any(family in name for family in _FAMILIES):
            return f'{key}.type={name!r}'
    return None
