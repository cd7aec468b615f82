"""Which ways of spreading a model over processes SAM works with."""

import torch.nn as nn

# By name, so that none of the packages need be installed.
_SHARDING = ('FullySharded', 'FSDPModule', 'DeepSpeed', 'ColossalAI')


def check_data_parallel(model: nn.Module) -> None:
    """Refuses models whose gradients SAM cannot take the norm of.

    A sharded model (FSDP) holds a part of each gradient on each process, while the
    ascent divides by the norm of the whole; DeepSpeed and ColossalAI step through
    engines of their own, which know nothing of a second pass.

    Args:
        model: The model as it is trained, wrapper included.

    Raises:
        TypeError: It is, or is wrapped as, one of these.
    """
    names = [base.__name__ for base in type(model).__mro__]
    if any(mark in name for mark in _SHARDING for name in names):
        raise TypeError(
            f'SAM does not run under {names[0]}: train with data parallelism '
            f'(MMDistributedDataParallel, or strategy DDPStrategy), or without SAM'
        )
