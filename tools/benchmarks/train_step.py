"""Time and memory of one SAM iteration: baseline, exact and fast mode.

    python tools/benchmarks/train_step.py --groups 4 --repeats 5

The modes run in processes of their own and take turns, so that a machine that
slows down slows all of them. Prints a table and writes it as JSON.
"""

import argparse
import copy
from typing import Any

import torch
from baseline import ParameterwiseSAM, branch_by_branch_loss
from measure import Step, alternate, count_flops, peak_flops, table, write_json
from mmengine.config import Config
from mmengine.logging import MMLogger
from mmpretrain.structures import DataSample

from mmqcs import register_all_modules
from mmqcs.cli.allocator import keep_freed_memory
from mmqcs.cli.options import ArgumentParser, load_config
from mmqcs.engine import SAMOptimWrapper
from mmqcs.models import QCSClassifier
from mmqcs.models.fast_mode import multiplies_bfloat16
from mmqcs.registry import MODELS

DEVICE = torch.device('cuda' if torch.cuda.is_available() else 'cpu')


def build_model(cfg: Config, seed: int = 0, **changes: Any) -> QCSClassifier:
    """The model of a config with random weights, in training mode."""
    register_all_modules()
    MMLogger.get_current_instance().setLevel('WARNING')
    torch.manual_seed(seed)
    model = MODELS.build(dict(cfg.model, **changes))
    for module in model.modules():
        if getattr(module, 'init_cfg', None) and 'checkpoint' in str(module.init_cfg):
            module.init_cfg = None
    model.init_weights()
    return model.to(DEVICE).train()


def build_optimizer(
    cfg: Config, model: QCSClassifier, **changes: bool
) -> torch.optim.Optimizer:
    """The optimiser of a config."""
    arguments = dict(cfg.optim_wrapper.optimizer, **changes)
    return getattr(torch.optim, arguments.pop('type'))(model.parameters(), **arguments)


def build_batch(model: QCSClassifier, groups: int, size: int) -> tuple[Any, Any]:
    """Noise as images in branch-major order, (G·groups, 3, size, size), and labels."""
    generator = torch.Generator().manual_seed(0)
    slots = torch.tensor(model.ring.classes()).repeat_interleave(groups)
    images = torch.randn(len(slots), 3, size, size, generator=generator)
    return images.to(DEVICE), slots.to(DEVICE)


def baseline(cfg: Config, groups: int, size: int) -> Step:
    """The iteration of :mod:`baseline`."""
    model = build_model(cfg, statistics='joint', channels_last=False)
    images, labels = build_batch(model, groups, size)
    branches = images.chunk(model.ring.size), labels.chunk(model.ring.size)
    optimizer = build_optimizer(cfg, model, foreach=False, fused=False)
    sam = ParameterwiseSAM(optimizer, cfg.optim_wrapper.get('rho', 0.05))

    def step() -> None:
        branch_by_branch_loss(model, *branches).backward()
        sam.ascend()
        branch_by_branch_loss(model, *branches).backward()
        sam.descend()

    return step


def ours(cfg: Config, groups: int, size: int, **changes: Any) -> Step:
    """The iteration as ``tools/train.py`` runs it."""
    if DEVICE.type == 'cpu':
        keep_freed_memory()
    model = build_model(cfg, **changes)
    images, labels = build_batch(model, groups, size)
    samples = [DataSample().set_gt_label(label) for label in labels.cpu()]
    wrapper = SAMOptimWrapper(
        rho=cfg.optim_wrapper.get('rho', 0.05), optimizer=build_optimizer(cfg, model)
    )
    wrapper.hook_installed = True  # the two passes are run below

    def step() -> None:
        for _ in range(2):
            with wrapper.optim_context(model):
                losses = model(images, samples, mode='loss')
            wrapper.update_params(model.parse_losses(losses)[0])

    return step


def exact(cfg: Config, groups: int, size: int) -> Step:
    """float32, one pass, channels last."""
    return ours(cfg, groups, size)


def fast(cfg: Config, groups: int, size: int) -> Step:
    """``model.fast=True``."""
    return ours(cfg, groups, size, fast=True)


def bfloat16(cfg: Config, groups: int, size: int) -> Step:
    """Fast mode in bfloat16 whether or not the device has units for it."""
    return ours(cfg, groups, size, fast=dict(dtype='bfloat16'))


def bfloat16_checkpointed(cfg: Config, groups: int, size: int) -> Step:
    """The same, recomputing activations."""
    model = copy.deepcopy(cfg.model)
    for part in (model.backbone, model.neck.encoder, model.cross.attention):
        part.with_cp = True
    model.cross.encoder.with_cp = True
    return ours(cfg, groups, size, fast=dict(dtype='bfloat16'), **model)


MODES = {
    'baseline': baseline,
    'exact': exact,
    'fast': fast,
    'bfloat16': bfloat16,
    'bfloat16, checkpointed': bfloat16_checkpointed,
}


def precision(mode: str) -> torch.dtype:
    """In which precision a mode multiplies, by its name."""
    fast = 'fast' in mode and multiplies_bfloat16(DEVICE.type)
    return torch.bfloat16 if fast or 'bfloat16' in mode else torch.float32


def main() -> None:
    """Run the benchmark."""
    parser = ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--config', default='configs/qcs/qcs_ir50_raf.py')
    parser.add_argument('--groups', type=int, default=4, help='anchors a batch')
    parser.add_argument('--size', type=int, default=224, help='side of an image')
    parser.add_argument('--repeats', type=int, default=3)
    parser.add_argument('--warmup', type=int, default=2, help='iterations before')
    parser.add_argument('--modes', nargs='+', choices=MODES, default=list(MODES))
    parser.add_argument('--out', default='work_dirs/benchmarks/train_step.json')
    args = parser.parse_args()

    cfg = load_config(args.config)
    modes = {name: MODES[name] for name in args.modes}
    timings = alternate(modes, (cfg, args.groups, args.size), args.repeats, args.warmup)
    flops = count_flops(baseline(cfg, args.groups, args.size))
    parameters = sum(p.numel() for p in build_model(cfg).parameters())
    peaks = {d: peak_flops(d, DEVICE) for d in (torch.float32, torch.bfloat16)}
    reference = timings.get('baseline')
    lines, rows = [], {}
    for name, timing in timings.items():
        peak = peaks[precision(name)]
        rows[name] = {
            'seconds': timing.median,
            'fastest': timing.fastest,
            'slowest': timing.slowest,
            'memory_mib': timing.memory,
            'speedup': reference.median / timing.median if reference else None,
            'memory_share': timing.memory / reference.memory if reference else None,
            'utilisation': flops / timing.median / peak,
        }
        row = rows[name]
        lines.append(
            [
                name,
                f'{timing.median:.2f} s',
                f'{row["speedup"]:.2f}x' if reference else '-',
                f'{timing.memory:.0f} MiB',
                f'{row["memory_share"]:.0%}' if reference else '-',
                f'{flops / 1e12:.2f} T',
                f'{row["utilisation"]:.0%}',
                f'{parameters / 1e6:.1f} M',
            ]
        )
    header = ['mode', 'iteration', 'speed-up', 'memory', 'share']
    print(table([*header, 'FLOPs', 'of peak', 'parameters'], lines))
    settings = vars(args) | {
        'flops': flops,
        'parameters': parameters,
        'peak_flops': {str(dtype): peak for dtype, peak in peaks.items()},
    }
    write_json(args.out, settings, rows)


if __name__ == '__main__':
    main()
