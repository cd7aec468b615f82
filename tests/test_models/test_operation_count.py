"""How many operations an iteration dispatches, each of which costs the host time."""

import pytest
import torch
from conftest import ROOT
from dispatch import NoSync
from mmengine import Config
from mmengine.optim import build_optim_wrapper

from mmqcs.registry import MODELS
from mmqcs.structures import LabelBatch


@pytest.mark.slow
def test_a_sam_iteration_of_the_published_recipe():
    cfg = Config.fromfile(ROOT / 'configs/qcs/qcs_ir50_raf.py')
    model = MODELS.build(cfg.model).train()
    wrapper = build_optim_wrapper(model, cfg.optim_wrapper)
    wrapper.hook_installed = True  # both passes are run below
    labels = torch.tensor(model.ring.classes())
    data = dict(
        inputs=torch.zeros(4, 3, 112, 112, dtype=torch.uint8),
        data_samples=LabelBatch(labels),
    )

    def iteration():
        batch = model.data_preprocessor(data, training=True)
        for _ in range(2):
            with wrapper.optim_context(model):
                losses = model(**batch, mode='loss')
            wrapper.update_params(model.parse_losses(losses)[0])

    iteration()  # Adam makes its state
    with NoSync(wrapper.optimizer) as mode:
        iteration()
    assert sum(mode.counts.values()) <= 3000
    assert mode.counts['mmqcs::branch_batch_norm'] == 2 * 45
