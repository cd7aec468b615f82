"""Makes the models of this package known to MMPretrain by name."""

import functools
from pathlib import Path

import mmqcs

INDEX = 'model-index.yml'


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
