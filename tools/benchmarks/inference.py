"""Time of classifying a batch, in each mode of computing it.

    python tools/benchmarks/inference.py --batch 16 --repeats 15

The modes run in their own processes and take turns. Prints a table with the largest
difference of any logit from the first mode, and writes it as JSON.
"""

import argparse
from collections.abc import Callable
from typing import Any

import torch
from measure import DEVICE, ON_GPU, Step, alternate, count_flops, write_json
from mmcv.cnn import fuse_conv_bn
from mmengine.config import Config
from train_step import GRAPHS, build_model, of_peak, peaks

from mmqcs.cli.launch import keep_freed_memory
from mmqcs.cli.options import ArgumentParser, load_config
from mmqcs.cli.tables import markdown_table


def build(cfg: Config, fused: bool, **changes: Any) -> torch.nn.Module:
    """Return the model for inference, with statistics that a training would leave."""
    model = build_model(cfg, **changes)
    generator = torch.Generator().manual_seed(1)
    for name, buffer in model.named_buffers():
        if name.endswith('running_mean'):
            buffer.copy_(0.1 * torch.randn(buffer.shape, generator=generator))
        elif name.endswith('running_var'):
            buffer.copy_(1 + torch.rand(buffer.shape, generator=generator))
    model.eval()
    return fuse_conv_bn(model) if fused else model


def images(batch: int, size: int) -> torch.Tensor:
    """Return noise as normalised images, (batch, 3, size, size)."""
    generator = torch.Generator().manual_seed(0)
    return torch.randn(batch, 3, size, size, generator=generator).to(DEVICE)


def classify(
    cfg: Config,
    batch: int,
    size: int,
    fused: bool = True,
    amp: bool = False,
    **changes: Any,
) -> Step:
    """Return a step that computes the logits of one batch."""
    if fused and not ON_GPU:
        keep_freed_memory()
    model, inputs = build(cfg, fused, **changes), images(batch, size)

    def step() -> torch.Tensor:
        with (
            torch.inference_mode(),
            torch.autocast(DEVICE.type, torch.bfloat16, enabled=amp),
        ):
            return model(inputs)

    return step


def count_parameters(model: torch.nn.Module) -> int:
    """Return the number of parameters of the inference path."""
    parts = model.backbone, model.neck, model.head
    return sum(p.numel() for part in parts for p in part.parameters())


def unfused(cfg: Config, batch: int, size: int) -> Step:
    """Return float32, channels first."""
    return classify(cfg, batch, size, fused=False, channels_last=False)


def fused(cfg: Config, batch: int, size: int) -> Step:
    """Return float32, channels last, BatchNorm folded; so are all below."""
    return classify(cfg, batch, size)


def fused_graphs(cfg: Config, batch: int, size: int) -> Step:
    """Return the same kernels, launched by a CUDA graph."""
    return classify(cfg, batch, size, compile=GRAPHS)


def fused_compiled(cfg: Config, batch: int, size: int) -> Step:
    """Return ``model.compile=True``."""
    return classify(cfg, batch, size, compile=True)


def bfloat16(cfg: Config, batch: int, size: int) -> Step:
    """Return autocast to bfloat16."""
    return classify(cfg, batch, size, amp=True)


def bfloat16_compiled(cfg: Config, batch: int, size: int) -> Step:
    """Return autocast with ``model.compile=True``."""
    return classify(cfg, batch, size, amp=True, compile=True)


MODES: dict[str, Callable[..., Step]] = {
    'unfused': unfused,
    'fused': fused,
    'fused, graphs': fused_graphs,
    'fused, compiled': fused_compiled,
    'fused, bfloat16': bfloat16,
    'fused, bfloat16, compiled': bfloat16_compiled,
}
DEFAULT_MODES = ['unfused', 'fused', 'fused, compiled', 'fused, bfloat16']
if ON_GPU:
    DEFAULT_MODES = [name for name in MODES if name != 'fused, compiled']


def main() -> None:
    """Run the benchmark."""
    parser = ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--config', default='configs/qcs/qcs_ir50_raf.py')
    parser.add_argument('--batch', type=int, default=16)
    parser.add_argument('--size', type=int, default=224, help='side of an image')
    parser.add_argument('--repeats', type=int, default=15, help='turns of each mode')
    parser.add_argument('--modes', nargs='+', choices=MODES, default=DEFAULT_MODES)
    parser.add_argument('--out', default='work_dirs/benchmarks/inference.json')
    args = parser.parse_args()

    cfg = load_config(args.config)
    arguments = cfg, args.batch, args.size
    modes = {name: MODES[name] for name in args.modes}
    timings = alternate(modes, arguments, args.repeats)
    flops = count_flops(unfused(*arguments)) / args.batch
    rates = peaks()
    first = timings[args.modes[0]]
    lines, rows = [], {}
    for name, timing in timings.items():
        row = rows[name] = {
            'ms_per_image': 1000 * timing.median / args.batch,
            'speedup': first.median / timing.median,
            'memory_mib': timing.memory,
            'of_peak': of_peak(name, flops * args.batch / timing.median, rates),
            'warmup_seconds': timing.warmup,
            'syncs': timing.syncs,
            'logit_difference': float(abs(timing.output - first.output).max()),
        }
        lines.append(
            [
                name,
                f'{row["ms_per_image"]:.3g}',
                f'{row["speedup"]:.2f}x',
                f'{timing.memory:.0f}',
                f'{row["of_peak"]:.0%}',
                f'{timing.warmup:.1f} s',
                f'{row["logit_difference"]:.1e}',
            ]
        )
    header = ['mode', 'ms/image', 'speed-up', 'MiB']
    header += ['of bf16 peak' if ON_GPU else 'of peak', 'warm-up', 'logits differ by']
    print(markdown_table(header, lines))
    parameters = count_parameters(build(cfg, fused=False))
    print(
        f'{flops / 1e9:.1f} GFLOP per image, {parameters / 1e6:.1f} million parameters'
    )
    settings = vars(args) | {
        'largest_logit': float(abs(first.output).max()),
        'flops_per_image': flops,
        'parameters': parameters,
        'peak_flops': rates,
    }
    write_json(args.out, settings, rows)


if __name__ == '__main__':
    main()
