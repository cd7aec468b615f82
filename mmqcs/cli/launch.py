"""Prepares, builds and ends the runs of ``tools/train.py`` and ``tools/test.py``."""

import ctypes
import datetime
import logging
import os
import platform
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch.distributed as dist
from mmengine.config import Config
from mmengine.device import get_device
from mmengine.logging import print_log
from mmengine.registry import RUNNERS
from mmengine.runner import Runner

from mmqcs.checkpoints.safe_load import (
    CheckpointError,
    ForeignObjectError,
    allow_mmengine_objects,
    check_format,
    load_weights_only,
)
from mmqcs.checkpoints.sources import local_file
from mmqcs.cli.options import fail, failing_on

_RANKS = {
    'pytorch': 'RANK',
    'slurm': 'SLURM_PROCID',
    'mpi': 'OMPI_COMM_WORLD_RANK',
}
_STRATEGIES = ('SingleDeviceStrategy', 'DDPStrategy')
_M_TRIM_THRESHOLD, _M_MMAP_MAX = -1, -4  # of malloc.h


def check_checkpoint(path: str, trust: bool = False) -> None:
    """Fail early if a local checkpoint is missing or holds foreign objects.

    Checkpoints from elsewhere are checked when they are loaded
    (:func:`restrict_loading`). With ``trust``, foreign objects are allowed, and loading
    them runs code.
    """
    if '://' in path:
        return
    try:
        with failing_on(FileNotFoundError):
            file = local_file(path)
        if trust:
            check_format(file)
        else:
            load_weights_only(file)
    except ForeignObjectError as error:
        fail(
            f'{error}, and loading that can run code. Convert the file '
            f'(publish_model.py or reference_to_mmqcs.py in tools/model_converters), '
            f'or pass --trust-checkpoint if you trust its source'
        )
    except CheckpointError as error:
        fail(str(error))


def check_pretrained(config: Any, trust: bool = False) -> None:
    """Check the local files that ``init_cfg`` of a model names, if they exist."""
    if isinstance(config, dict):
        path = config.get('checkpoint')
        named = str(config.get('type', '')).endswith('Pretrained')
        if named and isinstance(path, str) and Path(path).expanduser().is_file():
            check_checkpoint(path, trust)
        config = list(config.values())
    if isinstance(config, (list, tuple)):
        for item in config:
            check_pretrained(item, trust)


def set_work_dir(config: Config, work_dir: str | None, config_path: str) -> None:
    """Set ``work_dir`` from the argument, the config or the name of the config."""
    if work_dir is not None:
        config.work_dir = work_dir
    elif config.get('work_dir') is None:
        config.work_dir = str(Path('work_dirs') / Path(config_path).stem)


def set_dataloader_defaults(
    config: Config,
    fields: Sequence[str],
    no_pin_memory: bool = False,
    no_persistent_workers: bool = False,
) -> None:
    """Fill in settings that the config leaves open in the data loaders it has.

    By default memory is pinned if there is an accelerator, because without one it has
    no effect but a warning, and workers stay from epoch to epoch. The last two
    arguments switch that off, whatever the config says.
    """
    for loader in filter(None, map(config.get, fields)):
        loader.setdefault('pin_memory', get_device() != 'cpu')
        loader.setdefault('persistent_workers', True)
        loader.setdefault('collate_fn', {'type': 'default_collate'})
        if no_pin_memory:
            loader.pin_memory = False
        if no_persistent_workers or loader.get('num_workers', 0) == 0:
            loader.persistent_workers = False


def keep_freed_memory() -> bool:
    """Let freed memory serve the next tensors instead of returning to the system.

    By default glibc maps each large tensor again, and the system must zero its pages.
    On a CPU that takes 5 to 10 percent of a training iteration (5 percent with 48
    images of 64×64, a tenth with 112×112). Peak memory stays the same. PyTorch's
    allocators for GPUs work like this anyway.

    Returns whether it was done, which needs glibc.
    """
    if platform.libc_ver()[0] != 'glibc':
        return False
    malloc = ctypes.CDLL(None)
    return bool(
        malloc.mallopt(_M_MMAP_MAX, 0) and malloc.mallopt(_M_TRIM_THRESHOLD, -1)
    )


def restrict_loading(trust: bool) -> None:
    """Set, for the rest of the process, what a checkpoint may hold.

    Without ``trust``, torch refuses foreign objects, wherever a checkpoint comes from
    and whatever MMEngine asks of ``torch.load``.
    """
    os.environ.pop('TORCH_FORCE_WEIGHTS_ONLY_LOAD', None)
    os.environ.pop('TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD', None)
    if trust:
        os.environ['TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD'] = '1'
    else:
        os.environ['TORCH_FORCE_WEIGHTS_ONLY_LOAD'] = '1'
        allow_mmengine_objects()


def build_runner(config: Config, trust_checkpoint: bool = False) -> Runner:
    """Build the runner of a config, after :func:`restrict_loading`."""
    if get_device() == 'cpu':
        keep_freed_memory()
    restrict_loading(trust_checkpoint)
    if 'runner_type' in config:
        return RUNNERS.build(config)
    return Runner.from_cfg(config)


def check_strategy(config: Config) -> None:
    """Fail if a config shards its model, which groups and SAM do not support."""
    strategy = config.get('strategy') or {}
    kind = strategy if isinstance(strategy, str) else strategy.get('type', '')
    name = str(getattr(kind, '__name__', kind)).rpartition('.')[2]
    if name and name not in _STRATEGIES:
        fail(
            f'strategy.type={name!r} is not supported. Leave out runner_type and '
            f'strategy, and train by data parallelism: tools/dist_train.sh or '
            f'tools/slurm_train.sh'
        )


def is_first_process(launcher: str) -> bool:
    """Return whether this is the first process of a run, the one that writes to disk.

    Works before the processes are connected.
    """
    return launcher == 'none' or os.environ.get(_RANKS[launcher], '0') == '0'


def prepare_distributed(config: Config, launcher: str, local_rank: int) -> None:
    """Set the launcher and make distributed runs work without an accelerator.

    With an accelerator MMEngine does all of this when it builds the runner. Without
    one it would select a CUDA device and pass ``device_ids`` for CPU modules, and both
    fail. So this function creates the process group, with gloo instead of the nccl
    that most configs name, and tells the model wrapper to use no device.
    """
    os.environ.setdefault('LOCAL_RANK', str(local_rank))
    config.launcher = launcher
    if launcher == 'none' or get_device() != 'cpu':
        return
    if launcher != 'pytorch':
        fail(
            f'--launcher {launcher} needs an accelerator, and none was found; without '
            'one use --launcher pytorch (tools/dist_train.sh, tools/dist_test.sh)'
        )
    if 'RANK' not in os.environ:
        fail(
            '--launcher pytorch needs the environment that torchrun sets; start with '
            'torchrun, tools/dist_train.sh or tools/dist_test.sh'
        )

    settings = dict((config.get('env_cfg') or {}).get('dist_cfg') or {})
    backend = settings.get('backend', 'nccl')
    if backend == 'nccl':
        backend = 'gloo'
    timeout = settings.get('timeout')
    dist.init_process_group(
        backend,
        timeout=None if timeout is None else datetime.timedelta(seconds=timeout),
    )
    if dist.get_rank() == 0:
        print_log(
            f'No accelerator was found: {dist.get_world_size()} processes train or '
            f'test on the CPU and communicate through {backend}.',
            level=logging.WARNING,
        )
    wrapper = {
        'type': 'MMDistributedDataParallel',
        'broadcast_buffers': False,
        'find_unused_parameters': config.get('find_unused_parameters', False),
        **(config.get('model_wrapper_cfg') or {}),
        'device_ids': None,
    }
    config.model_wrapper_cfg = wrapper
    if config.get('runner_type') == 'FlexibleRunner':
        strategy = dict(config.get('strategy') or {'type': 'DDPStrategy'})
        strategy['model_wrapper'] = {**wrapper, **(strategy.get('model_wrapper') or {})}
        strategy['model_wrapper']['device_ids'] = None
        config.strategy = strategy


def close_distributed() -> None:
    """Disconnect the processes of a distributed run."""
    if dist.is_available() and dist.is_initialized():
        dist.destroy_process_group()
