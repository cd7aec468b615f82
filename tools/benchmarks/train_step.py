"""Time and memory of one SAM iteration, in each mode of computing it.

    python tools/benchmarks/train_step.py --groups 4 --repeats 5

The modes run in their own processes and take turns. Prints a table and writes it
as JSON. See docs/benchmarks.md for the columns.
"""

from functools import partial
from typing import Any

import torch
from baseline import ParameterwiseSAM, branch_by_branch_loss
from measure import (
    DEVICE,
    ON_GPU,
    Step,
    Steps,
    alternate,
    count_flops,
    make_parser,
    peak_flops,
    report,
)
from mmengine.config import Config
from mmengine.logging import MMLogger

from mmqcs import register_all_modules
from mmqcs.cli.launch import keep_freed_memory
from mmqcs.cli.options import load_config
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
    raw: dict[str, Any] = {'cross.encoder.out_type': 'raw'}
    model = build_model(cfg, statistics='joint', channels_last=False, **raw)
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


MODES: Steps = {
    'baseline': baseline,
    'exact': ours,
    'exact, graphs': partial(ours, compile=GRAPHS),
    'compiled': partial(ours, compile=True),
    'bfloat16': partial(ours, amp=True),
    'bfloat16, compiled': partial(ours, amp=True, compile=True),
    'bfloat16, checkpointed': partial(
        ours, amp=True, **{f'{part}.with_cp': True for part in CHECKPOINTED}
    ),
}
DEFAULT_MODES = ['baseline', 'exact', 'compiled', 'bfloat16', 'bfloat16, checkpointed']
if ON_GPU:
    DEFAULT_MODES = ['baseline', 'exact, graphs', 'bfloat16, compiled']


def peaks() -> dict[str, float]:
    """Return the rate of a large matrix product in each precision, by its name."""
    return {d: peak_flops(getattr(torch, d)) for d in ('float32', 'bfloat16')}


def of_peak(mode: str, flops: float, rates: dict[str, float]) -> float:
    """Return a rate over the peak: bfloat16's on a GPU, else that of the mode."""
    return flops / rates['bfloat16' if ON_GPU or 'bfloat16' in mode else 'float32']


COLUMNS = {
    'iteration': '{seconds:.3f} s',
    'speed-up': '{speedup:.2f}x',
    'memory': '{memory_mib:.0f} MiB',
    'share': '{memory_share:.0%}',
    'of bf16 peak' if ON_GPU else 'of peak': '{of_peak:.0%}',
    'warm-up': '{warmup_seconds:.1f} s',
}
if ON_GPU:
    COLUMNS |= {'reserved': '{reserved_mib:.0f} MiB', 'syncs': '{syncs}'}
else:
    COLUMNS |= {'ATen operations': '{operations}'}


def main() -> None:
    """Run the benchmark."""
    parser = make_parser(__doc__, 'train_step')
    parser.add_argument('--config', default='configs/qcs/qcs_ir50_raf.py')
    parser.add_argument('--groups', type=int, default=4, help='anchors per batch')
    parser.add_argument('--size', type=int, default=224, help='side of an image')
    parser.add_argument('--repeats', type=int, default=3, help='turns of each mode')
    parser.add_argument(
        '--warmup', type=int, default=2, help='iterations before the first turn'
    )
    parser.add_argument('--modes', nargs='+', choices=MODES, default=DEFAULT_MODES)
    args = parser.parse_args()

    cfg = load_config(args.config)
    arguments = cfg, args.groups, args.size
    modes = {name: MODES[name] for name in args.modes}
    rows = alternate(modes, arguments, args.repeats, args.warmup, operations=not ON_GPU)
    flops = count_flops(baseline(*arguments))
    rates = peaks()
    first = rows[args.modes[0]]
    for name, row in rows.items():
        del row['output']
        row['memory_share'] = row['memory_mib'] / first['memory_mib']
        row['of_peak'] = of_peak(name, flops / row['seconds'], rates)
        if 'compiled' in name:  # it does not call ATen operation by operation
            row['operations'] = '-'
    parameters = sum(p.numel() for p in build_model(cfg).parameters())
    facts = {'flops': flops, 'parameters': parameters, 'peak_flops': rates}
    report(args.out, vars(args) | facts, rows, 'mode', COLUMNS)
    print(
        f'{flops / 1e12:.2f} TFLOP per iteration, {parameters / 1e6:.1f} million '
        f'parameters'
    )


if __name__ == '__main__':
    main()
