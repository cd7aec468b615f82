"""Time and memory of one SAM iteration, in each mode of computing it.

    python tools/benchmarks/train_step.py --groups 4 --repeats 5

The modes run in their own processes and take turns. Prints a table and writes it
as JSON. See docs/benchmarks.md for the columns.
"""

import argparse
from typing import Any

import torch
from baseline import ParameterwiseSAM, branch_by_branch_loss
from measure import (
    DEVICE,
    ON_GPU,
    Step,
    Timing,
    alternate,
    count_flops,
    peak_flops,
    write_json,
)
from mmengine.config import Config
from mmengine.logging import MMLogger

from mmqcs import register_all_modules
from mmqcs.cli.launch import keep_freed_memory
from mmqcs.cli.options import ArgumentParser, load_config
from mmqcs.cli.tables import markdown_table
from mmqcs.engine import SAMAmpOptimWrapper, SAMOptimWrapper
from mmqcs.models import QCSClassifier
from mmqcs.registry import MODELS
from mmqcs.structures import LabelBatch

GRAPHS = dict(blocks=False, graphs=True)
CHECKPOINTED = ('backbone', 'neck.encoder', 'cross.attention', 'cross.encoder')


def build_model(cfg: Config, seed: int = 0, **changes: Any) -> QCSClassifier:
    """Return the model of a config with random weights, in training mode."""
    register_all_modules()
    torch.backends.cudnn.benchmark = cfg.env_cfg.cudnn_benchmark
    MMLogger.get_current_instance().setLevel('WARNING')
    torch.manual_seed(seed)
    model_cfg = Config(dict(model=cfg.model))
    model_cfg.merge_from_dict({f'model.{k}': v for k, v in changes.items()})
    model = MODELS.build(model_cfg.model)
    for module in model.modules():
        if getattr(module, 'init_cfg', None) and 'checkpoint' in str(module.init_cfg):
            module.init_cfg = None
    model.init_weights()
    return model.to(DEVICE).train()


def build_optimizer(
    cfg: Config, model: QCSClassifier, **changes: bool
) -> torch.optim.Optimizer:
    """Return the optimiser of a config."""
    arguments = dict(cfg.optim_wrapper.optimizer, **changes)
    return getattr(torch.optim, arguments.pop('type'))(model.parameters(), **arguments)


def build_wrapper(
    cfg: Config, model: QCSClassifier, amp: bool = False
) -> SAMOptimWrapper | SAMAmpOptimWrapper:
    """Return SAM around the optimiser of a config, without a hook for its passes."""
    kind = SAMAmpOptimWrapper if amp else SAMOptimWrapper
    wrapper = kind(
        rho=cfg.optim_wrapper.get('rho', 0.05), optimizer=build_optimizer(cfg, model)
    )
    wrapper.hook_installed = True  # the callers run both passes themselves
    return wrapper


def build_batch(model: QCSClassifier, groups: int, size: int) -> dict[str, Any]:
    """Return random groups as a data loader gives them, of 8-bit images."""
    generator = torch.Generator().manual_seed(0)
    slots = torch.tensor(model.ring.classes()).repeat_interleave(groups)
    shape = len(slots), 3, size, size
    images = torch.randint(256, shape, generator=generator, dtype=torch.uint8)
    return dict(inputs=images, data_samples=LabelBatch(slots))


def baseline(cfg: Config, groups: int, size: int) -> Step:
    """Return the iteration of :mod:`baseline`."""
    model = build_model(cfg, statistics='joint', channels_last=False)
    data = build_batch(model, groups, size)
    batch = model.data_preprocessor(data, training=True)
    inputs = batch['inputs'], batch['data_samples'].labels
    branches = [x.chunk(model.ring.size) for x in inputs]
    optimizer = build_optimizer(cfg, model, foreach=False, fused=False)
    sam = ParameterwiseSAM(optimizer, cfg.optim_wrapper.get('rho', 0.05))

    def step() -> None:
        branch_by_branch_loss(model, *branches).backward()
        sam.ascend()
        branch_by_branch_loss(model, *branches).backward()
        sam.descend()

    return step


def ours(
    cfg: Config, groups: int, size: int, amp: bool = False, **changes: Any
) -> Step:
    """Return the iteration of ``tools/train.py`` without the work on the data."""
    if not ON_GPU:
        keep_freed_memory()
    model = build_model(cfg, **changes)
    data = build_batch(model, groups, size)
    batch = model.data_preprocessor(data, training=True)
    model.data_preprocessor.forward = lambda data, training=False: data
    wrapper = build_wrapper(cfg, model, amp)

    def step() -> None:
        for _ in range(2):
            model.train_step(batch, wrapper)

    return step


def exact(cfg: Config, groups: int, size: int) -> Step:
    """Return the default: float32, all branches in one pass, channels last."""
    return ours(cfg, groups, size)


def exact_graphs(cfg: Config, groups: int, size: int) -> Step:
    """Return the same kernels, launched by CUDA graphs."""
    return ours(cfg, groups, size, compile=GRAPHS)


def compiled(cfg: Config, groups: int, size: int) -> Step:
    """Return ``model.compile=True`` in float32."""
    return ours(cfg, groups, size, compile=True)


def bfloat16(cfg: Config, groups: int, size: int) -> Step:
    """Return ``--amp`` in bfloat16."""
    return ours(cfg, groups, size, amp=True)


def bfloat16_compiled(cfg: Config, groups: int, size: int) -> Step:
    """Return ``--amp`` with ``model.compile=True``."""
    return ours(cfg, groups, size, amp=True, compile=True)


def bfloat16_checkpointed(cfg: Config, groups: int, size: int) -> Step:
    """Return ``--amp`` with activations recomputed."""
    changes = {f'{part}.with_cp': True for part in CHECKPOINTED}
    return ours(cfg, groups, size, amp=True, **changes)


MODES = {
    'baseline': baseline,
    'exact': exact,
    'exact, graphs': exact_graphs,
    'compiled': compiled,
    'bfloat16': bfloat16,
    'bfloat16, compiled': bfloat16_compiled,
    'bfloat16, checkpointed': bfloat16_checkpointed,
}
DEFAULT_MODES = ['baseline', 'exact', 'compiled', 'bfloat16', 'bfloat16, checkpointed']
if ON_GPU:
    DEFAULT_MODES = [
        *('baseline', 'exact', 'exact, graphs', 'bfloat16', 'bfloat16, compiled')
    ]


def peaks() -> dict[str, float]:
    """Return the rate of a large matrix product in each precision, by its name."""
    return {d: peak_flops(getattr(torch, d)) for d in ('float32', 'bfloat16')}


def of_peak(mode: str, flops: float, rates: dict[str, float]) -> float:
    """Return a rate over the peak: bfloat16's on a GPU, else that of the mode."""
    return flops / rates['bfloat16' if ON_GPU or 'bfloat16' in mode else 'float32']


def report(
    timings: dict[str, Timing], flops: float, rates: dict[str, float]
) -> tuple[str, dict[str, dict[str, Any]]]:
    """Return the table of the modes, and the rows of their record."""
    first = next(iter(timings.values()))
    lines, rows = [], {}
    for name, timing in timings.items():
        row = rows[name] = {
            'seconds': timing.median,
            'fastest': timing.fastest,
            'slowest': timing.slowest,
            'warmup_seconds': timing.warmup,
            'speedup': first.median / timing.median,
            'memory_mib': timing.memory,
            'memory_share': timing.memory / first.memory,
            'reserved_mib': timing.reserved,
            'of_peak': of_peak(name, flops / timing.median, rates),
            'syncs': timing.syncs,
            # compiled code does not call ATen operation by operation
            'operations': None if 'compiled' in name else timing.operations,
        }
        operations = f'{row["operations"]:,}' if row['operations'] else '-'
        lines.append(
            [
                name,
                f'{1000 * timing.median:.0f} ms',
                f'{row["speedup"]:.2f}x',
                f'{timing.memory:.0f} MiB',
                f'{row["memory_share"]:.0%}',
                f'{row["of_peak"]:.0%}',
                f'{timing.warmup:.1f} s',
            ]
        )
        lines[-1] += (
            [f'{timing.reserved:.0f} MiB', str(timing.syncs)]
            if ON_GPU
            else [operations]
        )
    header = ['mode', 'iteration', 'speed-up', 'memory', 'share']
    header += ['of bf16 peak' if ON_GPU else 'of peak', 'warm-up']
    header += ['reserved', 'syncs'] if ON_GPU else ['ATen operations']
    return markdown_table(header, lines), rows


def main() -> None:
    """Run the benchmark."""
    parser = ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--config', default='configs/qcs/qcs_ir50_raf.py')
    parser.add_argument('--groups', type=int, default=4, help='anchors per batch')
    parser.add_argument('--size', type=int, default=224, help='side of an image')
    parser.add_argument('--repeats', type=int, default=3, help='turns of each mode')
    parser.add_argument(
        '--warmup', type=int, default=2, help='iterations before the first turn'
    )
    parser.add_argument('--modes', nargs='+', choices=MODES, default=DEFAULT_MODES)
    parser.add_argument('--out', default='work_dirs/benchmarks/train_step.json')
    args = parser.parse_args()

    cfg = load_config(args.config)
    arguments = cfg, args.groups, args.size
    timings = alternate(
        {name: MODES[name] for name in args.modes},
        arguments,
        args.repeats,
        args.warmup,
        operations=not ON_GPU,
    )
    flops = count_flops(baseline(*arguments))
    rates = peaks()
    text, rows = report(timings, flops, rates)
    print(text)
    parameters = sum(p.numel() for p in build_model(cfg).parameters())
    print(
        f'{flops / 1e12:.2f} TFLOP per iteration, {parameters / 1e6:.1f} million '
        f'parameters'
    )
    settings = vars(args) | {
        'flops': flops,
        'parameters': parameters,
        'peak_flops': rates,
    }
    write_json(args.out, settings, rows)


if __name__ == '__main__':
    main()
