"""Processes that take turns, what they report, and the environment."""

import json
import multiprocessing
import os
import platform
import resource
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
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
from torch.utils.flop_counter import FlopCounterMode

Step = Callable[[], Any]
"""One repetition of what is measured."""


@dataclass(frozen=True)
class Timing:
    """Median, fastest and slowest repetition in seconds, and peak memory in MiB.

    Memory is that of the device on a GPU, else what the process holds beyond what
    it held before its step was built.
    """

    median: float
    fastest: float
    slowest: float
    memory: float


def alternate(
    steps: Mapping[str, Callable[..., Step]],
    arguments: tuple,
    repeats: int,
    warmup: int = 2,
) -> dict[str, Timing]:
    """Measures several steps in processes of their own, in turns.

    Args:
        steps: Functions, importable by name, that build a step from the arguments.
        arguments: Passed to each of them.
        repeats: Measured repetitions of each.
        warmup: Repetitions before, not measured.

    Returns:
        The timing of each, by name.

    Raises:
        RuntimeError: A process failed; its traceback is on stderr.
    """
    context = multiprocessing.get_context('spawn')
    workers = {}
    for name, build in steps.items():
        ours, theirs = context.Pipe()
        target = (theirs, build, arguments, warmup)
        process = context.Process(target=_serve, args=target, daemon=True)
        process.start()
        theirs.close()
        workers[name] = ours
        _receive(ours, name)  # wait for its warm-up, undisturbed
    seconds: dict[str, list[float]] = {name: [] for name in steps}
    for _ in range(repeats):
        for name, connection in workers.items():
            connection.send(True)
            seconds[name].append(_receive(connection, name))
    timings = {}
    for name, connection in workers.items():
        connection.send(False)
        memory = _receive(connection, name)
        times = seconds[name]
        timings[name] = Timing(statistics.median(times), min(times), max(times), memory)
    return timings


def _receive(connection: Connection, name: str) -> float:
    try:
        return connection.recv()
    except EOFError:
        raise RuntimeError(f'the process of {name!r} failed') from None


def _serve(
    connection: Connection, build: Callable[..., Step], arguments: tuple, warmup: int
) -> None:
    before = resident('VmRSS')
    step = build(*arguments)
    for _ in range(warmup):
        step()
    _reset_peak()
    connection.send(0.0)
    while connection.recv():
        start = time.perf_counter()
        step()
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        connection.send(time.perf_counter() - start)
    if torch.cuda.is_available():
        connection.send(torch.cuda.max_memory_allocated() / 2**20)
    else:
        connection.send(resident('VmHWM') - before)


def count_flops(step: Step) -> float:
    """Operations of a step, those of convs and matrices."""
    with FlopCounterMode(display=False) as counter:
        step()
    return counter.get_total_flops()


def peak_flops(dtype: torch.dtype, device: torch.device, side: int = 4096) -> float:
    """Operations a second of a large matrix product, as measured here."""
    a = torch.randn(side, side, device=device).to(dtype)
    timer = torch.utils.benchmark.Timer(
        'a @ a', globals={'a': a}, num_threads=torch.get_num_threads()
    )
    return 2 * side**3 / timer.timeit(5).median


def _reset_peak() -> None:
    if torch.cuda.is_available():
        torch.cuda.reset_peak_memory_stats()
    elif Path('/proc/self/clear_refs').exists():
        Path('/proc/self/clear_refs').write_text('5')


def resident(field: str) -> float:
    """Memory of this process in MiB: ``'VmRSS'`` now, ``'VmHWM'`` at its peak."""
    status = Path('/proc/self/status')
    if status.exists():
        for line in status.read_text().splitlines():
            if line.startswith(field):
                return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def environment() -> dict[str, Any]:
    """Device, processor and versions, for the record of a measurement."""
    processor = platform.processor() or platform.machine()
    info = Path('/proc/cpuinfo')
    if info.exists():
        for line in info.read_text().splitlines():
            if line.startswith('model name'):
                processor = line.split(':', 1)[1].strip()
                break
    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else None
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
    """Writes environment, settings and rows of a benchmark."""
    rows = {k: asdict(v) if isinstance(v, Timing) else v for k, v in rows.items()}
    record = {'environment': environment(), 'settings': settings, 'rows': rows}
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(record, indent=2) + '\n')


def table(header: list[str], rows: list[list[str]]) -> str:
    """A Markdown table with aligned columns."""
    lines = [header, ['---'] * len(header), *rows]
    widths = [max(len(line[i]) for line in lines) for i in range(len(header))]
    lines[1] = ['-' * width for width in widths]
    return '\n'.join(
        '| ' + ' | '.join(c.ljust(w) for c, w in zip(line, widths, strict=True)) + ' |'
        for line in lines
    )
