"""Time of classifying a batch: unfused, fused, and in fast mode.

    python tools/benchmarks/inference.py --batch 16 --repeats 15

The modes run in processes of their own and take turns. Prints a table with the
largest difference of any logit from the first mode, and writes it as JSON.
"""

import argparse
from collections.abc import Callable
from typing import Any

import torch
from measure import Step, alternate, count_flops, peak_flops, table, write_json
from mmcv.cnn import fuse_conv_bn
from mmengine.config import Config
from train_step import DEVICE, build_model, precision

from mmqcs.cli.allocator import keep_freed_memory
from mmqcs.cli.options import ArgumentParser, load_config


def build(cfg: Config, fused: bool, **changes: Any) -> torch.nn.Module:
    """The model for inference, its BatchNorm statistics those of a trained one."""
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
    """Noise as normalised images, (batch, 3, size, size)."""
    generator = torch.Generator().manual_seed(0)
    return torch.randn(batch, 3, size, size, generator=generator).to(DEVICE)


def classify(
    cfg: Config, batch: int, size: int, fused: bool = False, **changes: Any
) -> Step:
    """A step that computes the logits of one batch."""
    if fused and DEVICE.type == 'cpu':
        keep_freed_memory()
    model, inputs = build(cfg, fused, **changes), images(batch, size)

    def step() -> torch.Tensor:
        with torch.inference_mode():
            return model(inputs)

    return step


def count_parameters(model: torch.nn.Module) -> int:
    """Parameters of the inference path."""
    parts = model.backbone, model.neck, model.head
    return sum(p.numel() for part in parts for p in part.parameters())


def unfused(cfg: Config, batch: int, size: int) -> Step:
    """float32, channels first."""
    return classify(cfg, batch, size, channels_last=False)


def fused(cfg: Config, batch: int, size: int) -> Step:
    """float32, channels last, BatchNorm folded."""
    return classify(cfg, batch, size, fused=True)


def bfloat16(cfg: Config, batch: int, size: int) -> Step:
    """bfloat16, whether or not the device has units for it."""
    return classify(cfg, batch, size, fused=True, fast=dict(dtype='bfloat16'))


def fast(cfg: Config, batch: int, size: int) -> Step:
    """``model.fast=True``, BatchNorm folded."""
    return classify(cfg, batch, size, fused=True, fast=True)


MODES: dict[str, Callable[..., Step]] = {
    'unfused': unfused,
    'fused': fused,
    'fused, fast': fast,
    'fused, bfloat16': bfloat16,
}


def main() -> None:
    """Run the benchmark."""
    parser = ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--config', default='configs/qcs/qcs_ir50_raf.py')
    parser.add_argument('--batch', type=int, default=16)
    parser.add_argument('--size', type=int, default=224, help='side of an image')
    parser.add_argument('--repeats', type=int, default=15)
    parser.add_argument('--modes', nargs='+', choices=MODES, default=list(MODES))
    parser.add_argument('--out', default='work_dirs/benchmarks/inference.json')
    args = parser.parse_args()

    cfg = load_config(args.config)
    arguments = cfg, args.batch, args.size
    modes = {name: MODES[name] for name in args.modes}
    timings = alternate(modes, arguments, args.repeats)
    first = args.modes[0]
    flops = count_flops(modes[first](*arguments)) / args.batch
    parameters = count_parameters(build(cfg, fused=False))
    peaks = {d: peak_flops(d, DEVICE) for d in (torch.float32, torch.bfloat16)}
    expected = modes[first](*arguments)().float()
    lines, rows = [], {}
    for name, timing in timings.items():
        logits = modes[name](*arguments)().float()
        speedup = timings[first].median / timing.median
        rows[name] = {
            'ms_an_image': 1000 * timing.median / args.batch,
            'speedup': speedup,
            'memory_mib': timing.memory,
            'utilisation': flops * args.batch / timing.median / peaks[precision(name)],
            'logit_difference': float((logits - expected).abs().max()),
        }
        row = rows[name]
        lines.append(
            [
                name,
                f'{row["ms_an_image"]:.1f}',
                f'{speedup:.2f}x',
                f'{timing.memory:.0f}',
                f'{flops / 1e9:.1f} G',
                f'{row["utilisation"]:.0%}',
                f'{parameters / 1e6:.1f} M',
                f'{row["logit_difference"]:.1e}',
            ]
        )
    header = ['mode', 'ms/image', 'speed-up', 'MiB', 'FLOPs/image', 'of peak']
    print(table([*header, 'parameters', 'logits differ by'], lines))
    settings = vars(args) | {
        'largest_logit': float(expected.abs().max()),
        'flops_an_image': flops,
        'parameters': parameters,
        'peak_flops': {str(dtype): peak for dtype, peak in peaks.items()},
    }
    write_json(args.out, settings, rows)


if __name__ == '__main__':
    main()
