"""Registers the parts of mmqcs with OpenMMLab."""

from mmqcs import openmmlab  # noqa: F401


def register_all_modules(init_scope: bool = True) -> None:
    """Import every registered part of mmqcs and of mmpretrain.

    Config files do not need this: they name parts as ``mmqcs.X``.

    Args:
        init_scope: Whether to make 'mmpretrain' the default scope, in which names
            without a scope are looked up. It is not 'mmqcs', because mmpretrain's own
            classes build their defaults by such names.
    """
    import mmpretrain.utils
    from mmengine.registry import init_default_scope

    import mmqcs.datasets
    import mmqcs.engine
    import mmqcs.evaluation
    import mmqcs.models  # noqa: F401

    mmpretrain.utils.register_all_modules(init_default_scope=False)
    if init_scope:
        init_default_scope('mmpretrain')
