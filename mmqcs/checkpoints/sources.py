"""Sources of a model: a file of weights, an exported file, a config or its name."""

import difflib
from pathlib import Path
from urllib.parse import urlparse

import torch
from mmengine.config import Config

from mmqcs.model_index import register_model_index

DEFAULT_MODEL = Path(__file__).parents[1] / 'weights' / 'ir-small_fer2013.pth'
"""Checkpoint that comes with the package: a small network trained on FER2013."""

KINDS = {'': 'name', '.onnx': 'onnx', '.pt2': 'program'}
KINDS |= dict.fromkeys(('.pth', '.pt'), 'checkpoint')
KINDS |= dict.fromkeys(('.py', '.json', '.yaml', '.yml'), 'config')


def model_kind(source: str | Path | Config) -> str:
    """Tell what names a model.

    Returns:
        ``'checkpoint'`` (.pth, .pt), ``'onnx'`` or ``'program'`` (.pt2) for exported
        files, ``'config'``, or ``'name'`` of a model in the model index.

    Raises:
        ValueError: The file has another ending.

    Examples:
        >>> model_kind('work_dirs/run/epoch_10.pth'), model_kind('qcs_ir50_raf')
        ('checkpoint', 'name')
    """
    if isinstance(source, Config):
        return 'config'
    kind = KINDS.get(Path(source).suffix.lower())
    if kind is None:
        raise ValueError(
            f'{source} is neither a config (.py), a checkpoint (.pth), an exported '
            f'model (.onnx, .pt2) nor a name'
        )
    return kind


def load_config(source: str | Path | Config) -> Config:
    """Load a config by its file or by its name in the model index.

    Args:
        source: File; name such as ``'qcs_ir50_raf'``; or a config, which is returned.

    Raises:
        FileNotFoundError: There is no such file, or a ``_base_`` of it is missing.
        ValueError: No model has this name, or the file is not a config.
    """
    if isinstance(source, Config):
        return source
    kind = model_kind(source)
    if kind == 'config':
        if not Path(source).is_file():
            raise FileNotFoundError(
                f'config file not found: {source} (looked in {Path.cwd()})'
            )
        return Config.fromfile(str(source))
    if kind != 'name':
        raise ValueError(f'{source} is not a config, but a {kind} file')
    from mmpretrain.apis import ModelHub

    register_model_index()
    try:
        return ModelHub.get(str(source)).config
    except ValueError as error:
        raise ValueError(
            f'no model is named {str(source)!r}; {_names_like(str(source))}'
        ) from error


def _names_like(name: str) -> str:
    from mmpretrain import list_models

    near = difflib.get_close_matches(name, list_models(), n=3)
    if near:
        return f'did you mean {" or ".join(near)}?'
    return 'mmpretrain.list_models() lists the names'


def local_file(path: str | Path) -> Path:
    """Return the path of a checkpoint, which is downloaded if it is given by URL.

    Args:
        path: File, or ``https://…``. Downloads are kept in PyTorch's hub folder.

    Raises:
        FileNotFoundError: There is no such file.
        OSError: It cannot be downloaded.
    """
    if str(path).startswith(('http://', 'https://')):
        name = Path(urlparse(str(path)).path).name
        file = Path(torch.hub.get_dir(), 'checkpoints', name)
        if not file.is_file():
            file.parent.mkdir(parents=True, exist_ok=True)
            torch.hub.download_url_to_file(str(path), str(file))
        return file
    file = Path(path).expanduser()
    if not file.is_file():
        place = f'looked in {Path.cwd()}'
        if file == DEFAULT_MODEL:
            place = 'the default model is missing; install mmqcs again or name another'
        raise FileNotFoundError(f'checkpoint not found: {path} ({place})')
    return file
