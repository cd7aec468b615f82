"""Starts and ends what several processes do together."""

import atexit
import datetime
import logging
import os
import sys

import torch.distributed as dist
from mmengine.config import Config
from mmengine.device import get_device
from mmengine.logging import print_log

from mmqcs.cli.options import fail
from mmqcs.cli.strategy import strategy_name, unsupported_strategy

__all__ = [
    'check_strategy',
    'close_distributed',
    'is_first_process',
    'prepare_distributed',
]

_RANKS = {
    'pytorch': 'RANK',
    'slurm': 'SLURM_PROCID',
    'mpi': 'OMPI_COMM_WORLD_RANK',
}


def is_first_process(launcher: str) -> bool:
    """Return whether this is the first process of a run, which alone writes to disk.

    Can be asked before the processes are connected.

    Args:
        launcher: 'none', 'pytorch', 'slurm' or 'mpi'.
    """
    return launcher == 'none' or os.environ.get(_RANKS[launcher], '0') == '0'


def check_strategy(config: Config, launcher: str) -> None:
    """Fail, before anything is built, where a strategy of MMEngine does not fit.

    Args:
        config: Config of a run.
        launcher: 'none', 'pytorch', 'slurm' or 'mpi'.
    """
    if launcher != 'none' and strategy_name(config) == 'SingleDeviceStrategy':
        fail(
            "strategy.type='SingleDeviceStrategy' would train a model of its own on "
            f"each process of --launcher {launcher}; use 'DDPStrategy', or leave "
            'strategy out'
        )
    setting = unsupported_strategy(config)
    if setting:
        fail(
            f'{setting} is not supported: SAM needs whole gradients and a second '
            'pass, which neither FSDP nor the engines of DeepSpeed and ColossalAI '
            'give, and groups are not tested there. Leave out runner_type and '
            'strategy, and train by data parallelism: tools/dist_train.sh, or '
            'tools/slurm_train.sh'
        )


def prepare_distributed(config: Config, launcher: str, local_rank: int) -> None:
    """Set the launcher and make a distributed run work without an accelerator.

    With an accelerator MMEngine does all of it when the runner is built.
    Without, it would select a CUDA device and pass ``device_ids`` for CPU
    modules, both of which fail. So the process group is made here, with gloo
    in place of the nccl that most configs name, and the model wrapper is told
    to use no device.

    Args:
        config: The config, changed in place.
        launcher: 'none', 'pytorch', 'slurm' or 'mpi'.
        local_rank: Used when the launcher did not set LOCAL_RANK.
    """
    os.environ.setdefault('LOCAL_RANK', str(local_rank))
    config.launcher = launcher
    if launcher == 'none' or get_device() != 'cpu':
        return
    if launcher != 'pytorch':
        fail(
            f'--launcher {launcher} needs an accelerator and none was found; '
            'without one use --launcher pytorch (tools/dist_train.sh, dist_test.sh)'
        )
    if 'RANK' not in os.environ:
        fail(
            '--launcher pytorch expects the environment that torchrun sets; start '
            'by torchrun, tools/dist_train.sh or tools/dist_test.sh'
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
            f'test on the CPU and communicate by {backend}.',
            level=logging.WARNING,
        )
    wrapper = dict(config.get('model_wrapper_cfg') or {})
    wrapper.setdefault('type', 'MMDistributedDataParallel')
    wrapper.setdefault('broadcast_buffers', False)
    wrapper.setdefault(
        'find_unused_parameters', config.get('find_unused_parameters', False)
    )
    wrapper['device_ids'] = None
    config.model_wrapper_cfg = wrapper
    if config.get('runner_type') == 'FlexibleRunner':
        strategy = dict(config.get('strategy') or {'type': 'DDPStrategy'})
        strategy['model_wrapper'] = {**wrapper, **(strategy.get('model_wrapper') or {})}
        strategy['model_wrapper']['device_ids'] = None
        config.strategy = strategy


def close_distributed() -> None:
    """End a process of a distributed run that succeeded; return in any other run.

    All that is to be done at the exit is done (workers end, logs and streams are
    flushed), but the interpreter is not torn down: threads of gloo that come back
    to it at that time, even after their group is destroyed, now and then abort the
    process after all its work.
    """
    if not (dist.is_available() and dist.is_initialized()):
        return
    dist.destroy_process_group()
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)
