"""Time of classifying a batch, in each mode of computing it.

    python tools/benchmarks/inference.py --batch 16 --repeats 15

The modes run in their own processes and take turns. Prints a table with the largest
difference of any logit from the first mode, and writes it as JSON.
"""

from functools import partial
from typing import Any

import torch
from measure import (
    DEVICE,
    ON_GPU,
    Step,
    Steps,
    alternate,
    count_flops,
    make_parser,
    report,
)
from mmcv.cnn import fuse_conv_bn
from mmengine.config import Config
from train_step import GRAPHS, build_model, of_peak, peaks

from mmqcs.cli.launch import keep_freed_memory
from mmqcs.cli.options import load_config
from mmqcs.models import FERClassifier


def build(cfg: Config, fused: bool, **changes: Any) -> FERClassifier:
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


unfused = partial(classify, fused=False, channels_last=False)
MODES: Steps = {
    'unfused': unfused,
    'fused': classify,
    'fused, graphs': partial(classify, compile=GRAPHS),
    'fused, compiled': partial(classify, compile=True),
    'fused, bfloat16': partial(classify, amp=True),
    'fused, bfloat16, compiled': partial(classify, amp=True, compile=True),
}
DEFAULT_MODES = ['unfused', 'fused', 'fused, compiled', 'fused, bfloat16']
if ON_GPU:
    DEFAULT_MODES = [name for name in MODES if name != 'fused, compiled']

COLUMNS = {
    'ms/image': '{ms_per_image:.3g}',
    'speed-up': '{speedup:.2f}x',
    'MiB': '{memory_mib:.0f}',
    'of bf16 peak' if ON_GPU else 'of peak': '{of_peak:.0%}',
    'warm-up': '{warmup_seconds:.1f} s',
    'logits differ by': '{logit_difference:.1e}',
}


def main() -> None:
    """Run the benchmark."""
    parser = make_parser(__doc__, 'inference')
    parser.add_argument('--config', default='configs/qcs/qcs_ir50_raf.py')
    parser.add_argument('--batch', type=int, default=16)
    parser.add_argument('--size', type=int, default=224, help='side of an image')
    parser.add_argument('--repeats', type=int, default=15, help='turns of each mode')
    parser.add_argument('--modes', nargs='+', choices=MODES, default=DEFAULT_MODES)
    args = parser.parse_args()

    cfg = load_config(args.config)
    arguments = cfg, args.batch, args.size
    rows = alternate({n: MODES[n] for n in args.modes}, arguments, args.repeats)
    flops = count_flops(unfused(*arguments)) / args.batch
    rates = peaks()
    logits = {name: row.pop('output') for name, row in rows.items()}
    first = logits[args.modes[0]]
    for name, row in rows.items():
        row['ms_per_image'] = 1000 * row['seconds'] / args.batch
        row['of_peak'] = of_peak(name, flops * args.batch / row['seconds'], rates)
        row['logit_difference'] = float(abs(logits[name] - first).max())
    model = build(cfg, fused=False)
    parts = model.backbone, model.neck, model.head
    parameters = sum(p.numel() for part in parts for p in part.parameters())
    facts = {
        'largest_logit': float(abs(first).max()),
        'flops_per_image': flops,
        'parameters': parameters,
        'peak_flops': rates,
    }
    report(args.out, vars(args) | facts, rows, 'mode', COLUMNS)
    print(
        f'{flops / 1e9:.1f} GFLOP per image, {parameters / 1e6:.1f} million parameters'
    )


if __name__ == '__main__':
    main()
