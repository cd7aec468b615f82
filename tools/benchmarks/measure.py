"""Timing of several forms of a program side by side, and the facts of the machine."""

import json
import multiprocessing
import os
import platform
import resource
import statistics
import time
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import cv2
import mmengine
import numpy
import PIL
import torch
import torch.utils.benchmark
import torchvision
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode

Step = Callable[[], Any]
"""One iteration of what is measured."""

ON_GPU = torch.cuda.is_available()
DEVICE = torch.device('cuda' if ON_GPU else 'cpu')


@dataclass(frozen=True)
class Timing:
    """Results of one step.

    Attributes:
        median: Seconds per iteration, the median over the turns.
        fastest: Seconds per iteration in the fastest turn.
        slowest: Seconds per iteration in the slowest turn.
        warmup: Seconds of the iterations before the first turn, which compile.
        memory: Peak of the tensors on a GPU in MiB; on a CPU, the memory of the
            process beyond what it held before its step was built.
        reserved: Peak in MiB of what PyTorch took from the GPU. None on a CPU.
        syncs: Times that an iteration waits for the GPU. None on a CPU.
        operations: ATen operations per iteration, where they are counted.
        output: What the last iteration returned, if it is a tensor.
    """

    median: float
    fastest: float
    slowest: float
    warmup: float
    memory: float
    reserved: float | None
    syncs: int | None
    operations: int | None
    output: numpy.ndarray | None


def alternate(
    steps: Mapping[str, Callable[..., Step]],
    arguments: tuple,
    repeats: int,
    warmup: int = 2,
    iterations: int = 10 if ON_GPU else 1,
    operations: bool = False,
) -> dict[str, Timing]:
    """Time several steps, each in its own process, in turns.

    A machine that slows down then slows all of them. The steps are built at the same
    time, but nothing else runs while one warms up or takes its turn.

    Args:
        steps: Functions, importable by name, that build a step from the arguments.
        arguments: Passed to each of them.
        repeats: Turns of each step.
        warmup: Iterations before the first turn.
        iterations: Iterations per turn. On a GPU the host waits for the device only
            at the end of a turn, as it does in a training.
        operations: Whether to count ATen operations.

    Returns:
        The timing of each step, by name.

    Raises:
        RuntimeError: A process failed; its traceback is on stderr.
    """
    context = multiprocessing.get_context('spawn')
    connections = {}
    for name, build in steps.items():
        ours, theirs = context.Pipe()
        target = theirs, build, arguments, warmup, iterations, operations
        context.Process(target=_serve, args=target, daemon=True).start()
        theirs.close()
        connections[name] = ours
    for name, connection in connections.items():
        _receive(connection, name)
    warmups = {name: _ask(connections[name], name, True) for name in steps}
    turns: dict[str, list[float]] = {name: [] for name in steps}
    for _ in range(repeats):
        for name, connection in connections.items():
            turns[name].append(_ask(connection, name, True))
    return {
        name: Timing(
            statistics.median(turns[name]),
            min(turns[name]),
            max(turns[name]),
            warmups[name],
            **_ask(connection, name, False),
        )
        for name, connection in connections.items()
    }


def _ask(connection: Connection, name: str, question: bool) -> Any:
    connection.send(question)
    return _receive(connection, name)


def _receive(connection: Connection, name: str) -> Any:
    try:
        return connection.recv()
    except EOFError:
        raise RuntimeError(f'the process of {name!r} failed') from None


def _serve(
    connection: Connection,
    build: Callable[..., Step],
    arguments: tuple,
    warmup: int,
    iterations: int,
    operations: bool,
) -> None:
    before = resident('VmRSS')
    step = build(*arguments)
    connection.send(None)
    connection.recv()
    seconds, output = _time(step, warmup)
    connection.send(seconds)
    _reset_peak()
    while connection.recv():
        seconds, output = _time(step, iterations)
        connection.send(seconds / iterations)
    facts = {
        'memory': _peak(before),
        'reserved': torch.cuda.max_memory_reserved() / 2**20 if ON_GPU else None,
        'syncs': count_syncs(step) if ON_GPU else None,
        'operations': count_operations(step) if operations else None,
        'output': output.float().cpu().numpy() if torch.is_tensor(output) else None,
    }
    connection.send(facts)


def _time(step: Step, iterations: int) -> tuple[float, Any]:
    output = None
    start = time.perf_counter()
    for _ in range(iterations):
        output = step()
    if ON_GPU:
        torch.cuda.synchronize()
    return time.perf_counter() - start, output


def count_syncs(step: Step) -> int:
    """Return how often an iteration makes the host wait for the GPU."""
    torch.cuda.set_sync_debug_mode('warn')
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter('always')
            step()
    finally:
        torch.cuda.set_sync_debug_mode('default')
    text = 'called a synchronizing CUDA operation'
    return sum(text in str(warning.message) for warning in caught)


class _Operations(TorchDispatchMode):
    """Counts what reaches ATen."""

    count = 0

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple = (), kwargs: dict | None = None
    ) -> Any:
        self.count += 1
        return func(*args, **(kwargs or {}))


def count_operations(step: Step) -> int:
    """Return the number of ATen operations of an iteration that is not compiled."""
    with _Operations() as counter:
        step()
    return counter.count


def count_flops(step: Step) -> float:
    """Return the floating-point operations of the convolutions and matrix products."""
    with FlopCounterMode(display=False) as counter:
        step()
    return counter.get_total_flops()


def peak_flops(dtype: torch.dtype, side: int = 8192 if ON_GPU else 4096) -> float:
    """Return the operations per second of a large matrix product, measured now."""
    a = torch.randn(side, side, device=DEVICE).to(dtype)
    timer = torch.utils.benchmark.Timer(
        'a @ a', globals={'a': a}, num_threads=torch.get_num_threads()
    )
    return 2 * side**3 / timer.timeit(20 if ON_GPU else 5).median


def _reset_peak() -> None:
    if ON_GPU:
        torch.cuda.reset_peak_memory_stats()
    elif Path('/proc/self/clear_refs').exists():
        Path('/proc/self/clear_refs').write_text('5')


def _peak(before: float) -> float:
    if ON_GPU:
        return torch.cuda.max_memory_allocated() / 2**20
    return resident('VmHWM') - before


def resident(field: str) -> float:
    """Return memory of this process in MiB: ``'VmRSS'``, or its peak, ``'VmHWM'``."""
    status = Path('/proc/self/status')
    if status.exists():
        for line in status.read_text().splitlines():
            if line.startswith(field):
                return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def environment() -> dict[str, Any]:
    """Return the device, the processor and the versions of this machine."""
    processor = platform.processor() or platform.machine()
    info = Path('/proc/cpuinfo')
    if info.exists():
        for line in info.read_text().splitlines():
            if line.startswith('model name'):
                processor = line.split(':', 1)[1].strip()
                break
    gpu = torch.cuda.get_device_name() if ON_GPU else None
    return {
        'device': gpu or f'{processor}, {torch.get_num_threads()} threads',
        'cpus': os.cpu_count(),
        'python': platform.python_version(),
        'torch': torch.__version__,
        'torchvision': torchvision.__version__,
        'mmengine': mmengine.__version__,
        'numpy': numpy.__version__,
        'opencv': cv2.__version__,
        'pillow': PIL.__version__,
    }


def write_json(
    path: str | Path, settings: Mapping[str, Any], rows: Mapping[str, Any]
) -> None:
    """Write the environment, settings and rows of a benchmark."""
    record = {'environment': environment(), 'settings': settings, 'rows': rows}
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(record, indent=2) + '\n')


def table(header: list[str], rows: list[list[str]]) -> str:
    """Return a Markdown table with aligned columns."""
    lines = [header, ['---'] * len(header), *rows]
    widths = [max(len(line[i]) for line in lines) for i in range(len(header))]
    lines[1] = ['-' * width for width in widths]
    return '\n'.join(
        '| ' + ' | '.join(c.ljust(w) for c, w in zip(line, widths, strict=True)) + ' |'
        for line in lines
    )
