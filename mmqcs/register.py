"""Registers the parts and the models of mmqcs with OpenMMLab."""

import functools
from pathlib import Path

import mmqcs
from mmqcs import openmmlab  # noqa: F401

INDEX = 'model-index.yml'


def register_all_modules(init_scope: bool = True) -> None:
    """Imports every registered part of mmqcs and of mmpretrain.

    Config files need no call of this: they name parts as ``mmqcs.X``.

    Args:
        init_scope: Whether to make 'mmpretrain' the default scope, in which bare
            names of configs are looked up. It is not 'mmqcs', because
            mmpretrain's own classes build their defaults by bare names.
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


@functools.cache
def register_model_index() -> None:
    """Registers the models of ``model-index.yml`` in MMPretrain's model hub.

    ``mmpretrain.get_model('qcs_ir50_raf')`` and ``list_models('qcs*')`` find them
    from then on. A second call does nothing.

    Raises:
        FileNotFoundError: If the package came without its configs.
    """
    from mmpretrain.apis import ModelHub

    folder = _index_folder(Path(mmqcs.__file__).parent)
    ModelHub.register_model_index(folder / INDEX, config_prefix=folder)


def _index_folder(package: Path) -> Path:
    """An installed package holds the index in ``.mim``, a bare clone beside it."""
    folders = (package / '.mim', package.parent)
    for folder in folders:
        if (folder / INDEX).is_file():
            return folder
    raise FileNotFoundError(
        f'found no {INDEX} in {folders[0]} nor in {folders[1]}; install mmqcs again, '
        'with pip install from a clone or from a wheel'
    )
