"""Loss curves of the faster modes and of the exact one, over the same seeds.

    python tools/benchmarks/loss_curve.py --iterations 200 --seeds 3

Trains the small network by SAM on SynthFER, rendered on the fly. The curves are
averaged over windows. Two mean distances over the windows are compared: between each
mode and the exact one with the same seed, and between the seeds of the exact mode.
"""

from itertools import combinations, islice
from typing import Any

import numpy as np
import torch
from measure import make_parser, report
from mmengine.config import Config
from mmengine.logging import MMLogger
from mmengine.runner import Runner, set_random_seed
from train_step import build_model, build_wrapper

from mmqcs.cli.options import load_config

# name: whether autocast to bfloat16, arguments of the model
MODES: dict[str, tuple[bool, dict[str, Any]]] = {
    'exact': (False, {}),
    'compiled': (False, dict(compile=True)),
    'bfloat16': (True, {}),
}


def curve(cfg: Config, mode: str, seed: int, iterations: int) -> np.ndarray:
    """Return the losses of one run, (iterations,); a seed fixes the data."""
    amp, changes = MODES[mode]
    model = build_model(cfg, seed, **changes)
    set_random_seed(seed)
    wrapper = build_wrapper(cfg, model, amp)
    loader = Runner.build_dataloader(cfg.train_dataloader, seed=seed)
    prepare = model.data_preprocessor.forward
    # both passes of SAM take the same prepared batch
    model.data_preprocessor.forward = lambda data, training=False: data
    losses = []
    for batch in islice(loader, iterations):
        data = prepare(batch, training=True)
        losses.append(model.train_step(data, wrapper)['loss'].item())
        model.train_step(data, wrapper)
    return np.array(losses)


def distance(a: np.ndarray, b: np.ndarray) -> float:
    """Return the mean distance of two smoothed curves."""
    return float(np.abs(a - b).mean())


def main() -> None:
    """Run the benchmark."""
    parser = make_parser(__doc__, 'loss_curve')
    parser.add_argument('--config', default='configs/qcs/qcs_ir-small_synthfer.py')
    parser.add_argument('--iterations', type=int, default=200)
    parser.add_argument('--window', type=int, default=20)
    parser.add_argument('--seeds', type=int, default=3)
    parser.add_argument('--groups', type=int, default=4, help='anchors per batch')
    parser.add_argument('--modes', nargs='+', choices=MODES, default=list(MODES))
    args = parser.parse_args()
    if args.seeds < 2 or args.modes[0] != 'exact' or args.iterations < args.window:
        parser.error(
            '--seeds must be at least 2, the first of --modes exact, and --iterations '
            'at least --window'
        )

    cfg = load_config(args.config)
    loader = cfg.train_dataloader
    loader.update(batch_size=args.groups, num_workers=0, persistent_workers=False)
    size = max(700, args.groups * args.iterations)
    loader.dataset = dict(
        type='mmqcs.SynthFER',
        split='train',
        num_images=size,
        pipeline=[dict(type='LoadImageFromFile'), *loader.dataset.pipeline[1:]],
    )
    MMLogger.get_current_instance().setLevel('WARNING')
    windows = args.iterations // args.window
    curves = {}
    for name in args.modes:
        runs = [curve(cfg, name, seed, args.iterations) for seed in range(args.seeds)]
        cut = np.stack(runs)[:, : windows * args.window]
        curves[name] = cut.reshape(args.seeds, windows, args.window).mean(axis=2)
        torch.compiler.reset()
    exact = curves['exact']
    spread = np.mean([distance(a, b) for a, b in combinations(exact, 2)])
    rows = {}
    for name, smoothed in curves.items():
        pairs = zip(smoothed, exact, strict=True)
        rows[name] = {
            'first_window': float(smoothed[:, 0].mean()),
            'last_window': float(smoothed[:, -1].mean()),
            'distance_to_exact': float(np.mean([distance(a, b) for a, b in pairs])),
            'distance_between_exact_seeds': float(spread),
            'curves': smoothed.round(4).tolist(),
        }
    columns = {
        'first window': '{first_window:.3f}',
        'last window': '{last_window:.3f}',
        'to exact': '{distance_to_exact:.4f}',
        'between exact seeds': '{distance_between_exact_seeds:.4f}',
    }
    report(args.out, vars(args), rows, 'mode', columns)


if __name__ == '__main__':
    main()
