"""A small data set and config for running the tools as a user does."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import cv2
import numpy as np
import pytest
import torch
from tool_helpers import ROOT, check_error

CLASSES = ('Surprise', 'Fear', 'Disgust')

CONFIG = """
default_scope = 'mmpretrain'
env_cfg = dict(mp_cfg=dict(mp_start_method='fork'), dist_cfg=dict(backend='nccl'))
randomness = dict(seed=0)
model = dict(
    type='ImageClassifier',
    data_preprocessor=dict(num_classes=3, mean=[127.5] * 3, std=[127.5] * 3),
    backbone=dict(type='ResNet_CIFAR', depth=18, stem_channels=4, base_channels=4),
    neck=dict(type='GlobalAveragePooling'),
    head=dict(
        type='LinearClsHead', num_classes=3, in_channels=32,
        loss=dict(type='CrossEntropyLoss')))
train_pipeline = [dict(type='LoadImageFromFile'), dict(type='PackInputs')]


def loader(split, shuffle):
    return dict(
        batch_size=4,
        num_workers=0,
        persistent_workers=True,
        sampler=dict(type='DefaultSampler', shuffle=shuffle),
        dataset=dict(
            type='CustomDataset', data_root={data!r}, data_prefix=split,
            with_label=True, classes={classes!r}, pipeline=train_pipeline))


train_dataloader = loader('train', True)
val_dataloader = test_dataloader = loader('test', False)
del loader
val_evaluator = dict(type='mmqcs.FERMetric', confusion_matrix=False)
test_evaluator = dict(type='mmqcs.FERMetric')
optim_wrapper = dict(optimizer=dict(type='SGD', lr=0.01))
train_cfg = dict(by_epoch=True, max_epochs=1)
val_cfg = test_cfg = dict()
default_hooks = dict(
    logger=dict(type='LoggerHook', interval=1),
    checkpoint=dict(type='CheckpointHook', save_best='accuracy/mean_class'),
    visualization=dict(type='VisualizationHook'))
visualizer = dict(
    type='UniversalVisualizer', vis_backends=[dict(type='LocalVisBackend')])
"""


def write_images(folder: Path, count: int, seed: int) -> None:
    """Write `count` random 32x32 JPEG files a class into class folders."""
    rng = np.random.default_rng(seed)
    for name in CLASSES:
        (folder / name).mkdir(parents=True)
        for i in range(count):
            image = rng.integers(0, 256, (32, 32, 3), dtype=np.uint8)
            assert cv2.imwrite(str(folder / name / f'{i}.jpg'), image)


@pytest.fixture(scope='session')
def toy_config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A config file that trains in a second, outside the repository."""
    folder = tmp_path_factory.mktemp('toy')
    write_images(folder / 'data' / 'train', 4, seed=0)
    write_images(folder / 'data' / 'test', 2, seed=1)
    config = folder / 'toy.py'
    text = CONFIG.replace('{data!r}', repr(str(folder / 'data')))
    config.write_text(text.replace('{classes!r}', repr(list(CLASSES))))
    return config


@pytest.fixture(scope='session')
def run() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run a program of tools/ in a folder, on one thread and without GPUs."""

    def run_tool(
        tool: str,
        *args: object,
        cwd: Path,
        first_path: Path | None = None,
        **env: str,
    ) -> subprocess.CompletedProcess[str]:
        program = ROOT / 'tools' / tool
        start = [sys.executable, program] if tool.endswith('.py') else [program]
        paths = [str(Path(sys.executable).parent), os.environ['PATH']]
        if first_path is not None:
            paths.insert(0, str(first_path))
        return subprocess.run(
            [str(item) for item in (*start, *args)],
            cwd=cwd,
            env={
                **os.environ,
                'PATH': os.pathsep.join(paths),
                'OMP_NUM_THREADS': '1',
                'CUDA_VISIBLE_DEVICES': '',
                **env,
            },
            capture_output=True,
            text=True,
            timeout=300,
        )

    return run_tool


@pytest.fixture
def call(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., str | None]:
    """Run a loaded program in this process: what it prints, or its checked error.

    With `error` it must stop with one line on stderr that holds this text.
    """

    def run_main(module: ModuleType, *args: object, error: str | None = None):
        monkeypatch.setattr(sys, 'argv', ['tool.py', *map(str, args)])
        if error is None:
            module.main()
            return capsys.readouterr().out
        with pytest.raises(SystemExit) as stop:
            module.main()
        check_error(stop.value, capsys.readouterr().err, error)
        return None

    return run_main


@pytest.fixture
def toy(toy_config, tmp_path, monkeypatch) -> Path:
    """The config, from a folder with a file that stands for a checkpoint."""
    monkeypatch.chdir(tmp_path)
    torch.save({'state_dict': {}}, 'weights.pth')
    return toy_config


@pytest.fixture(scope='session')
def trained(toy_config, run, tmp_path_factory) -> Path:
    """Work dir of a training of one epoch, done once for all tests."""
    folder = tmp_path_factory.mktemp('trained')
    done = run('train.py', toy_config, '--work-dir', 'run', cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder / 'run'
