"""A run of seconds on drawn faces, for tests of hooks and of what they write."""

import itertools
import json

from mmengine.config import Config

NUMBER = itertools.count()


def _loader(split, count):
    pipeline = [dict(type='LoadImageFromFile'), dict(type='PackInputs')]
    return dict(
        batch_size=4,
        num_workers=0,
        sampler=dict(type='DefaultSampler', shuffle=split == 'train'),
        dataset=dict(
            type='mmqcs.SynthFER',
            split=split,
            num_images=count,
            image_size=48,
            pipeline=pipeline,
        ),
    )


def config(work_dir, **changes):
    """Three epochs of two iterations on 8 faces, validated and tested on 14."""
    cfg = Config(
        dict(
            default_scope='mmpretrain',
            experiment_name=f'report_{next(NUMBER)}',
            work_dir=str(work_dir),
            model=dict(
                type='ImageClassifier',
                data_preprocessor=dict(mean=[127.5] * 3, std=[127.5] * 3),
                backbone=dict(
                    type='ResNet_CIFAR', depth=18, stem_channels=4, base_channels=4
                ),
                neck=dict(type='GlobalAveragePooling'),
                head=dict(
                    type='LinearClsHead',
                    num_classes=7,
                    in_channels=32,
                    loss=dict(type='CrossEntropyLoss'),
                ),
            ),
            train_dataloader=_loader('train', 8),
            val_dataloader=_loader('test', 14),
            test_dataloader=_loader('test', 14),
            val_evaluator=dict(type='mmqcs.FERMetric', confusion_matrix=False),
            test_evaluator=dict(type='mmqcs.FERMetric', confusion_matrix=False),
            optim_wrapper=dict(optimizer=dict(type='SGD', lr=0.01)),
            train_cfg=dict(by_epoch=True, max_epochs=3),
            val_cfg=dict(),
            test_cfg=dict(),
            default_hooks=dict(
                logger=dict(type='LoggerHook', interval=1),
                report=dict(type='mmqcs.ReportHook', worst_errors=3),
            ),
            visualizer=dict(
                type='UniversalVisualizer', vis_backends=[dict(type='LocalVisBackend')]
            ),
            randomness=dict(seed=3),
        )
    )
    cfg.merge_from_dict(changes)
    return cfg


def validations(runner):
    """What the logger wrote of them, by step."""
    path = f'{runner.log_dir}/vis_data/scalars.json'
    with open(path) as file:
        records = map(json.loads, file)
        return {r['step']: r for r in records if 'accuracy/top1' in r}
