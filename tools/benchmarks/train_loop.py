"""Time of whole training iterations of a small network, data loading included.

    python tools/benchmarks/train_loop.py --iterations 120

A runner trains the recipes of FER2013, as ``tools/train.py`` does, on noise in its
layout: QCS on groups, and the same backbone, neck and head as a plain classifier on as
many images. The modes run one after the other, each in its own process. Prints a table
and writes it as JSON.
"""

import math
import multiprocessing
import os
import tempfile
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from measure import ON_GPU, make_parser, report
from mmengine.config import Config
from mmengine.runner import Runner

from mmqcs import register_all_modules
from mmqcs.cli.launch import keep_freed_memory
from mmqcs.cli.options import load_config
from mmqcs.datasets import FER2013

CONFIGS = Path(__file__).parents[2] / 'configs'
BASE, QCS = 'mix/ir-small_fer2013.py', 'qcs/qcs_ir-small_fer2013.py'
AMP, STOCK = 'mmqcs.AutocastOptimWrapper', dict(type='ImageClassifier')
# name: config, optimiser wrapper, arguments of the model
MODES: dict[str, tuple[str, str, dict[str, Any]]] = {
    'ImageClassifier': (BASE, 'OptimWrapper', STOCK),
    'ImageClassifier, bfloat16': (BASE, AMP, STOCK),
    'ImageClassifier, bfloat16, compiled': (BASE, AMP, STOCK),
    'FERClassifier, bfloat16, compiled': (BASE, AMP, dict(compile=True)),
    'QCS': (QCS, 'OptimWrapper', {}),
    'QCS, bfloat16': (QCS, AMP, {}),
    'QCS, bfloat16, compiled': (QCS, AMP, dict(compile=True)),
}
DEFAULT_MODES = [
    kind + (', bfloat16, compiled' if ON_GPU else '')
    for kind in ('ImageClassifier', 'QCS')
]


def write_faces(root: Path, count: int) -> None:
    """Write noise as FER2013's training images: grey, 48×48 pixels, class folders."""
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, (64, 48, 48), dtype=np.uint8)
    files = [
        cv2.imencode('.jpg', cv2.GaussianBlur(image, (5, 5), 0))[1] for image in noise
    ]
    classes = [name.lower() for name in FER2013.METAINFO['classes']]
    for name in classes:
        (root / 'train' / name).mkdir(parents=True)
    for i in range(count):
        folder = root / 'train' / classes[i % len(classes)]
        (folder / f'Training_{i:06}.jpg').write_bytes(files[i % len(files)].tobytes())


def loop_config(
    mode: str, root: str, images: int, dataset: int, iterations: int, workers: int
) -> Config:
    """Return the config of a training of full epochs in one of the modes."""
    path, wrapper, changes = MODES[mode]
    cfg = load_config(str(CONFIGS / path))
    loader = cfg.train_dataloader
    loader.batch_size = images if path == BASE else images // 4
    loader.num_workers = workers
    loader.persistent_workers = workers > 0
    loader.dataset.data_root = root
    cfg.model.update(changes)
    if cfg.model.type == 'ImageClassifier':
        del cfg.model['mirror']  # an option of ours, for tests
        if 'compiled' in mode:
            cfg.custom_hooks = [*cfg.custom_hooks, dict(type='mmqcs.CompileHook')]
    cfg.optim_wrapper.type = wrapper
    # By epoch, because MMEngine's other loop sleeps for two seconds after each epoch.
    epoch = dataset // loader.batch_size
    cfg.train_cfg = dict(by_epoch=True, max_epochs=math.ceil(iterations / epoch))
    cfg.param_scheduler = None
    for part in ('cfg', 'dataloader', 'evaluator'):
        cfg[f'val_{part}'] = cfg[f'test_{part}'] = None
    cfg.default_hooks.checkpoint = dict(type='CheckpointHook', interval=-1)
    del cfg.default_hooks.report
    cfg.log_level = 'ERROR'
    cfg.work_dir = f'{root}/runs/{mode}'
    return cfg


def run(cfg: Config, skip: int) -> dict[str, Any]:
    """Train, and return the row of the record."""
    register_all_modules()
    if not ON_GPU:
        keep_freed_memory()
    runner = Runner.from_cfg(cfg)
    runner.train()
    scalars = (
        runner.message_hub.get_scalar(f'train/{x}') for x in ('time', 'data_time')
    )
    times, waits = (scalar.data[0] for scalar in scalars)
    return {
        'ms_per_iteration': 1000 * times[skip:].mean(),
        'ms_waiting_for_data': 1000 * waits[skip:].mean(),
        'warmup_seconds': times[:skip].sum(),
        'memory_mib': torch.cuda.max_memory_allocated() / 2**20 if ON_GPU else None,
        'parameters': sum(p.numel() for p in runner.model.parameters()),
    }


COLUMNS = {
    'iteration': '{ms_per_iteration:.0f} ms',
    'waiting for data': '{ms_waiting_for_data:.1f} ms',
    'warm-up': '{warmup_seconds:.1f} s',
    **({'memory': '{memory_mib:.0f} MiB'} if ON_GPU else {}),
    'parameters': '{parameters:,}',
}


def main() -> None:
    """Run the benchmark."""
    parser = make_parser(__doc__, 'train_loop')
    parser.add_argument('--images', type=int, default=768, help='images per iteration')
    dataset = 28709 if ON_GPU else 5760
    parser.add_argument('--dataset', type=int, default=dataset, help='its images')
    parser.add_argument(
        '--iterations',
        type=int,
        default=120 if ON_GPU else 30,
        help='of each mode, at least; an epoch is not cut short',
    )
    parser.add_argument(
        '--skip',
        type=int,
        default=40 if ON_GPU else 8,
        help='first iterations, not timed; most images are decoded then',
    )
    workers = max(1, (os.cpu_count() or 1) * 3 // 4)
    parser.add_argument('--workers', type=int, default=workers)
    parser.add_argument('--modes', nargs='+', choices=MODES, default=DEFAULT_MODES)
    args = parser.parse_args()
    if not 0 < args.skip < args.iterations:
        parser.error('--skip must be at least 1 and less than --iterations')

    context = multiprocessing.get_context('spawn')
    rows = {}
    with tempfile.TemporaryDirectory() as root:
        write_faces(Path(root), args.dataset)
        for mode in args.modes:
            numbers = args.images, args.dataset, args.iterations, args.workers
            cfg = loop_config(mode, root, *numbers)
            with ProcessPoolExecutor(1, mp_context=context) as pool:
                rows[mode] = pool.submit(run, cfg, args.skip).result()
            print(f'{mode}: {rows[mode]["ms_per_iteration"]:.1f} ms', flush=True)
    report(args.out, vars(args), rows, 'training', COLUMNS)


if __name__ == '__main__':
    main()
