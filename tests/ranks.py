"""Runs a function in several processes that are joined by gloo."""

import multiprocessing
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
import torch.multiprocessing as mp

# Imported once, by the server that the processes are forked from.
multiprocessing.set_forkserver_preload(['torch', 'mmqcs.models', 'mmqcs.engine'])


def on_ranks(
    program: Callable[..., Any],
    world: int,
    folder: Path,
    *args: object,
    timeout: float = 120,
) -> list[Any]:
    """Calls `program(rank, world, *args)` on each rank and gives what they return.

    Args:
        program: A function of a module.
        world: Number of processes.
        folder: For the meeting of the processes and for their results.
        *args: More arguments.
        timeout: Seconds after which the processes are ended.

    Raises:
        TimeoutError: They did not end by themselves: they wait for each other.
    """
    folder = folder / f'{program.__name__}_{world}'
    folder.mkdir()
    context = mp.start_processes(
        _rank,
        (program, world, str(folder), args),
        nprocs=world,
        join=False,
        start_method='forkserver',
    )
    end = time.monotonic() + timeout
    while not context.join(timeout=1):
        if time.monotonic() > end:
            for process in context.processes:
                process.kill()
            raise TimeoutError(f'{program.__name__} hangs on {world} processes')
    return [
        torch.load(folder / f'{rank}.pth', weights_only=False) for rank in range(world)
    ]


def _rank(
    rank: int, program: Callable[..., Any], world: int, folder: str, args: tuple
) -> None:
    torch.set_num_threads(1)
    dist.init_process_group(
        'gloo', init_method=f'file://{folder}/store', rank=rank, world_size=world
    )
    torch.save(program(rank, world, *args), f'{folder}/{rank}.pth')
    dist.barrier()
    dist.destroy_process_group()
