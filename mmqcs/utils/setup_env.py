"""Registers everything at once, for scripts that build from configs."""

from mmengine.registry import init_default_scope


def register_all_modules(init_scope: bool = True) -> None:
    """Imports every registered part of mmqcs and of mmpretrain.

    Config files need no call of this: they name parts as ``mmqcs.X``.

    Args:
        init_scope: Whether to make 'mmpretrain' the default scope, in which bare
            names of configs are looked up. It is not 'mmqcs', because
            mmpretrain's own classes build their defaults by bare names.
    """
    import mmpretrain.utils

    import mmqcs.datasets
    import mmqcs.engine
    import mmqcs.evaluation
    import mmqcs.models  # noqa: F401

    mmpretrain.utils.register_all_modules(init_default_scope=False)
    if init_scope:
        init_default_scope('mmpretrain')
