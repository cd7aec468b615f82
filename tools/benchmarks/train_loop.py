"""Time of whole training iterations of a small network, data loading included.

    python tools/benchmarks/train_loop.py --iterations 150

A runner trains on 48×48 images in FER2013's layout, as ``tools/train.py`` does: QCS on
groups, and MMPretrain's ``ImageClassifier`` with the same backbone, neck and head on
as many images. The modes run one after the other, each in its own process. Prints a
table and writes it as JSON.
"""

import argparse
import multiprocessing
import os
import statistics
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from measure import ON_GPU, table, write_json
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmqcs import register_all_modules
from mmqcs.cli.allocator import keep_freed_memory
from mmqcs.cli.options import ArgumentParser, load_config
from mmqcs.datasets import FER2013

SIDE = 48
PIPELINE = [
    dict(type='LoadImageFromFile'),
    dict(type='mmqcs.SampleFace', resize=54, crop=SIDE, random_crop=True, flip=0.5),
    dict(type='mmqcs.JitterColor', brightness=0.2, contrast=0.2),
    dict(type='PackInputs'),
]
# name: whether QCS, whether bfloat16, arguments of the model
MODES: dict[str, tuple[bool, bool, dict[str, Any]]] = {
    'ImageClassifier': (False, False, {}),
    'ImageClassifier, bfloat16': (False, True, {}),
    'QCS': (True, False, {}),
    'QCS, bfloat16': (True, True, {}),
    'QCS, bfloat16, compiled': (True, True, dict(compile=True)),
}


class LoopTimer(Hook):
    """Times the iterations after the first ones.

    Args:
        skip: Iterations that are not timed.
    """

    def __init__(self, skip: int) -> None:
        self.skip = skip
        self.waits: list[float] = []
        self.times: list[float] = []

    def before_train(self, runner: Runner) -> None:
        """Start the warm-up."""
        self.times.append(time.perf_counter())

    def after_train_iter(self, runner: Runner, batch_idx: int, **_: Any) -> None:
        """Keep the time that the iteration waited for data."""
        done = runner.iter + 1
        if done > self.skip:
            self.waits.append(
                runner.message_hub.get_scalar('train/data_time').current()
            )
        if done in (self.skip, runner.max_iters):
            if ON_GPU:
                torch.cuda.synchronize()
            self.times.append(time.perf_counter())


def write_faces(root: Path, count: int) -> None:
    """Write noise as FER2013's training images: grey, 48×48 pixels, class folders."""
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, (64, SIDE, SIDE), dtype=np.uint8)
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
    cfg: Config, mode: str, root: str, images: int, iterations: int, workers: int
) -> Config:
    """Return the config of a training in one of the modes."""
    qcs, amp, changes = MODES[mode]
    cfg = Config(cfg.to_dict())
    grid = 3 * (SIDE // 16) ** 2
    cfg.merge_from_dict(
        {
            'model.neck.encoder.num_tokens': grid,
            'model.cross.encoder.num_tokens': grid,
            **{f'model.{name}': value for name, value in changes.items()},
            'optim_wrapper.type': 'mmqcs.AutocastOptimWrapper'
            if amp
            else 'OptimWrapper',
            'train_cfg': dict(_delete_=True, by_epoch=False, max_iters=iterations),
            'default_hooks.checkpoint.save_best': None,
            'default_hooks.checkpoint.interval': -1,
            'log_level': 'ERROR',
            'work_dir': f'{root}/runs/{mode}',
        }
    )
    del cfg.default_hooks.report
    loader = cfg.train_dataloader
    loader.batch_size = images // 4 if qcs else images
    loader.num_workers = workers
    loader.persistent_workers = workers > 0
    loader.dataset = dict(
        type='mmqcs.FER2013',
        data_root=root,
        split='train',
        pipeline=PIPELINE,
        cache_mib=1024,
    )
    if not qcs:
        cfg.model = dict(
            type='ImageClassifier',
            **{
                part: cfg.model[part]
                for part in ('data_preprocessor', 'backbone', 'neck', 'head')
            },
        )
        del loader.batch_sampler
        loader.drop_last = True
    for part in ('cfg', 'dataloader', 'evaluator'):
        cfg[f'val_{part}'] = cfg[f'test_{part}'] = None
    cfg.param_scheduler = None
    return cfg


def run(cfg: Config, skip: int) -> dict[str, Any]:
    """Train, and return the row of the record."""
    register_all_modules()
    if not ON_GPU:
        keep_freed_memory()
    timer = LoopTimer(skip)
    runner = Runner.from_cfg(cfg)
    runner.register_hook(timer, 'LOWEST')
    runner.train()
    started, warm, ended = timer.times
    return {
        'ms_per_iteration': 1000 * (ended - warm) / len(timer.waits),
        'ms_waiting_for_data': 1000 * statistics.mean(timer.waits),
        'warmup_seconds': warm - started,
        'memory_mib': torch.cuda.max_memory_allocated() / 2**20 if ON_GPU else None,
        'parameters': sum(p.numel() for p in runner.model.parameters()),
    }


def main() -> None:
    """Run the benchmark."""
    parser = ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--config', default='configs/qcs/qcs_ir-small_synthfer.py')
    parser.add_argument('--images', type=int, default=768, help='images per iteration')
    parser.add_argument(
        '--dataset', type=int, default=28709, help='images of the dataset'
    )
    parser.add_argument(
        '--iterations', type=int, default=150 if ON_GPU else 30, help='of each mode'
    )
    parser.add_argument(
        '--skip', type=int, default=20, help='first iterations, not timed'
    )
    parser.add_argument(
        '--workers', type=int, default=min(8, (os.cpu_count() or 2) // 2)
    )
    parser.add_argument('--modes', nargs='+', choices=MODES, default=list(MODES))
    parser.add_argument('--out', default='work_dirs/benchmarks/train_loop.json')
    args = parser.parse_args()
    if not 0 < args.skip < args.iterations:
        parser.error('--skip must be at least 1 and less than --iterations')

    cfg = load_config(args.config)
    context = multiprocessing.get_context('spawn')
    lines, rows = [], {}
    with tempfile.TemporaryDirectory() as root:
        write_faces(Path(root), args.dataset)
        for mode in args.modes:
            loop_cfg = loop_config(
                *(cfg, mode, root, args.images, args.iterations, args.workers)
            )
            with ProcessPoolExecutor(1, mp_context=context) as pool:
                row = rows[mode] = pool.submit(run, loop_cfg, args.skip).result()
            lines.append(
                [
                    mode,
                    f'{row["ms_per_iteration"]:.0f} ms',
                    f'{row["ms_waiting_for_data"]:.1f} ms',
                    f'{row["warmup_seconds"]:.1f} s',
                    f'{row["memory_mib"]:.0f} MiB' if ON_GPU else '-',
                    f'{row["parameters"] / 1e6:.1f} M',
                ]
            )
    header = ['training', 'iteration', 'waiting for data', 'warm-up', 'memory']
    print(table([*header, 'parameters'], lines))
    write_json(args.out, vars(args), rows)


if __name__ == '__main__':
    main()
