"""Timing of several forms of a program side by side, and the record of the results."""

import json
import math
import multiprocessing
import os
import platform
import statistics
import threading
import time
import warnings
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
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

from mmqcs.cli.options import ArgumentParser
from mmqcs.cli.tables import markdown_table

Step = Callable[[], Any]
Steps = Mapping[str, Callable[..., Step]]
"""One iteration of what is measured."""

Rows = dict[str, dict[str, Any]]
"""Figures of each form, by its name."""

ON_GPU = torch.cuda.is_available()
DEVICE = torch.device('cuda' if ON_GPU else 'cpu')


def alternate(
    steps: Steps,
    arguments: tuple,
    repeats: int,
    warmup: int = 2,
    iterations: int = 10 if ON_GPU else 1,
    operations: bool = False,
) -> Rows:
    """Time several steps, each in its own process, in turns.

    A machine that slows down then slows all of them. Only one process works at a time,
    except that on a GPU all of them start and compile at once. cuDNN chooses its
    algorithms afterwards, because it does so by measuring.

    Args:
        steps: Functions, importable by name, that build a step from the arguments.
        arguments: Passed to each of them.
        repeats: Turns of each step.
        warmup: Iterations before the first turn.
        iterations: Iterations per turn. On a GPU the host waits for the device only
            at the end of a turn, as it does in a training.
        operations: Whether to count ATen operations.

    Returns:
        For each step, seconds per iteration (the median of the turns, the fastest and
        the slowest), the speed-up compared with the first step, and:

        - ``warmup_seconds``: the iterations before the first turn, which compile
        - ``memory_mib``: peak of the tensors on a GPU; on a CPU, memory of the process
          beyond what it held before its step was built
        - ``reserved_mib``: peak of what PyTorch took from the GPU; None on a CPU
        - ``syncs``: times that an iteration waits for the GPU; None on a CPU
        - ``operations``: ATen operations per iteration, where they are counted
        - ``output``: what the last iteration returned, if it is a tensor
    """
    context = multiprocessing.get_context('spawn')
    with ExitStack() as stack:
        pools = {
            name: stack.enter_context(ProcessPoolExecutor(1, mp_context=context))
            for name in steps
        }

        def ask(name: str, function: Callable[..., Any], *args: Any) -> Any:
            return pools[name].submit(function, *args).result()

        if ON_GPU:
            starts = [
                pools[name].submit(_build_and_compile, build, arguments)
                for name, build in steps.items()
            ]
            warmups = dict(
                zip(steps, (start.result() for start in starts), strict=True)
            )
        else:
            for name, build in steps.items():
                ask(name, _build, build, arguments)
            warmups = dict.fromkeys(steps, 0.0)
        for name in steps:
            warmups[name] += ask(name, _run, warmup)
        for name in steps:
            ask(name, _reset_peak)
        turns: dict[str, list[float]] = {name: [] for name in steps}
        for _ in range(repeats):
            for name in steps:
                turns[name].append(ask(name, _run, iterations) / iterations)
        facts = {name: ask(name, _facts, operations) for name in steps}
    medians = {name: statistics.median(seconds) for name, seconds in turns.items()}
    first = next(iter(medians.values()))
    return {
        name: {
            'seconds': medians[name],
            'fastest': min(turns[name]),
            'slowest': max(turns[name]),
            'speedup': first / medians[name],
            'warmup_seconds': warmups[name],
            **facts[name],
        }
        for name in steps
    }


_process = threading.local()
"""State of the process of a step."""


def _build(build: Callable[..., Step], arguments: tuple) -> None:
    _process.before = resident('VmRSS')
    _process.step = build(*arguments)


def _build_and_compile(build: Callable[..., Step], arguments: tuple) -> float:
    """Run once, with algorithms that cuDNN does not remember for the later runs."""
    _build(build, arguments)
    cudnn = torch.backends.cudnn
    choose, cudnn.benchmark, cudnn.deterministic = cudnn.benchmark, False, True
    seconds = _run(1)
    cudnn.benchmark, cudnn.deterministic = choose, False
    return seconds


def _run(iterations: int) -> float:
    start = time.perf_counter()
    for _ in range(iterations):
        _process.output = _process.step()
    if ON_GPU:
        torch.cuda.synchronize()
    return time.perf_counter() - start


def _reset_peak() -> None:
    """Forget the memory of the warm-up."""
    if ON_GPU:
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
    elif Path('/proc/self/clear_refs').exists():
        Path('/proc/self/clear_refs').write_text('5')


def _facts(operations: bool) -> dict[str, Any]:
    step, output = _process.step, _process.output
    memory = resident('VmHWM') - _process.before
    if ON_GPU:
        memory = torch.cuda.max_memory_allocated() / 2**20
    return {
        'memory_mib': memory,
        'reserved_mib': torch.cuda.max_memory_reserved() / 2**20 if ON_GPU else None,
        'syncs': count_syncs(step) if ON_GPU else None,
        'operations': count_operations(step) if operations else None,
        'output': output.float().cpu().numpy() if torch.is_tensor(output) else None,
    }


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


def resident(field: str) -> float:
    """Return memory of this process in MiB: ``'VmRSS'``, or its peak, ``'VmHWM'``.

    Only Linux tells; elsewhere the result is not a number.
    """
    status = Path('/proc/self/status')
    lines = status.read_text().splitlines() if status.exists() else []
    return next((int(x.split()[1]) / 1024 for x in lines if field in x), math.nan)


def environment() -> dict[str, Any]:
    """Return the device, the processor and the versions of this machine."""
    info = Path('/proc/cpuinfo')
    lines = info.read_text().splitlines() if info.exists() else []
    names = (x.split(':', 1)[1].strip() for x in lines if x.startswith('model name'))
    processor = next(names, platform.machine())
    packages = dict(
        torch=torch,
        torchvision=torchvision,
        mmengine=mmengine,
        numpy=numpy,
        opencv=cv2,
        pillow=PIL,
    )
    gpu = torch.cuda.get_device_name() if ON_GPU else None
    return {
        'device': gpu or f'{processor}, {torch.get_num_threads()} threads',
        'cpus': os.cpu_count(),
        'python': platform.python_version(),
        **{name: package.__version__ for name, package in packages.items()},
    }


def make_parser(doc: str, name: str) -> ArgumentParser:
    """Return a parser with ``--out``, the file of the record.

    Args:
        doc: Description of the benchmark.
        name: Name of its record.
    """
    parser = ArgumentParser(description=doc)
    parser.add_argument('--out', default=f'work_dirs/benchmarks/{name}.json')
    return parser


def report(
    path: str | Path,
    settings: Mapping[str, Any],
    rows: Rows,
    title: str,
    columns: Mapping[str, str],
) -> None:
    """Print a table, and write it with settings and environment as JSON.

    Args:
        path: File of the record.
        settings: Settings of the benchmark.
        rows: Figures of each form.
        title: Title of the column with the names of the forms.
        columns: Format string of each further column, filled with a row's figures.
    """
    lines = [
        [name, *(cell.format(**row) for cell in columns.values())]
        for name, row in rows.items()
    ]
    print(markdown_table([title, *columns], lines))
    record = {'environment': environment(), 'settings': settings, 'rows': rows}
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(record, indent=2) + '\n')
