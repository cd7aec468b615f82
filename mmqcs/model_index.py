"""Makes the models of mmqcs known to MMPretrain's model hub."""

import functools
from pathlib import Path

import mmqcs

INDEX = 'model-index.yml'


@functools.cache
def register_model_index() -> None:
    """Register the models of ``model-index.yml`` in MMPretrain's model hub.

    After that, ``mmpretrain.get_model('qcs_ir50_raf')`` and ``list_models('qcs*')``
    find them. ``pretrained=True`` loads the weights that are part of the package,
    without network. A second call does nothing.

    Raises:
        FileNotFoundError: The package was installed without its configs.
    """
    from mmpretrain.apis import ModelHub

    package = Path(mmqcs.__file__).parent
    folder = _index_folder(package)
    ModelHub.register_model_index(folder / INDEX, config_prefix=folder)
    # the index has their address, for `mim download`
    for path in (package / 'weights').glob('*.pth'):
        ModelHub._models_dict[path.stem].weights = str(path)


def _index_folder(package: Path) -> Path:
    """Return the folder of the index: ``.mim`` if installed, else that of the clone."""
    folders = (package / '.mim', package.parent)
    for folder in folders:
        if (folder / INDEX).is_file():
            return folder
    raise FileNotFoundError(
        f'{INDEX} is neither in {folders[0]} nor in {folders[1]}; install mmqcs again '
        f'with pip, from a clone or from a wheel'
    )
