"""Marks, models and batches of the tests that need a GPU."""

import os
from collections.abc import Sequence
from typing import Any

import pytest
import torch
from conftest import ROOT
from mmengine import Config
from mmengine.optim import OptimWrapper
from torch import Tensor

from mmqcs.engine import SAMOptimWrapper
from mmqcs.models import QCSClassifier
from mmqcs.registry import MODELS
from mmqcs.structures import LabelBatch

# read by cuBLAS when CUDA starts; it then repeats its results
os.environ.setdefault('CUBLAS_WORKSPACE_CONFIG', ':4096:8')

DEVICE = 'cuda'
needs_gpu = [
    pytest.mark.gpu,
    pytest.mark.skipif(
        not torch.cuda.is_available(), reason='needs a GPU that PyTorch can use'
    ),
    pytest.mark.usefixtures('repeatable_gpu'),
]

CONFIG = ROOT / 'configs/qcs/qcs_ir-small_synthfer.py'
GRAPHS = dict(blocks=False, graphs=True)


def small(**changes: Any) -> QCSClassifier:
    """The small QCS classifier with the same random weights each time."""
    model_cfg = Config.fromfile(CONFIG).model
    model_cfg.update(changes)
    torch.manual_seed(0)
    model = MODELS.build(model_cfg)
    model.init_weights()
    return model.to(DEVICE).train()


def batch(number: int = 0, groups: int = 2) -> dict[str, Any]:
    """Groups as a data loader gives them to a GPU; each number gives other images."""
    generator = torch.Generator().manual_seed(number)
    images = torch.randint(
        256, (4 * groups, 3, 64, 64), generator=generator, dtype=torch.uint8
    )
    labels = [(number + slot) % 7 for slot in (0, 0, 1, 1) for _ in range(groups)]
    samples = LabelBatch(torch.tensor(labels))
    return dict(inputs=images.pin_memory(), data_samples=samples.pin_memory())


def wrap(
    model: QCSClassifier, kind: type[OptimWrapper] = SAMOptimWrapper, **kwargs: Any
) -> OptimWrapper:
    """An optimiser wrapper around SGD, for :func:`train`."""
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
    wrapper = kind(optimizer=optimizer, **kwargs)
    wrapper.hook_installed = True  # train runs both passes of SAM
    return wrapper


def train(
    model: QCSClassifier, wrapper: OptimWrapper, batches: Sequence[dict[str, Any]]
) -> Tensor:
    """Update once with each batch, or each ``accumulative_counts`` of them.

    Returns:
        The loss of each batch in its first pass.
    """
    count = wrapper._accumulative_counts
    losses = []
    for start in range(0, len(batches), count):
        update = batches[start : start + count]
        losses += [model.train_step(x, wrapper)['loss'].clone() for x in update]
        if getattr(wrapper, 'descending', False):
            for x in update:
                model.train_step(x, wrapper)
    return torch.stack(losses).detach()
