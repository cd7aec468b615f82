"""Statistics of BatchNorm over whole groups, against a computation by hand."""

from types import SimpleNamespace

import pytest
import torch
from mmengine.logging import MMLogger
from torch import nn
from torch.utils.data import BatchSampler, DataLoader, SequentialSampler

from mmqcs.engine import PreciseBNHook


class Groups(BatchSampler):
    """Batches of 2 groups of 2 images."""

    ring = SimpleNamespace(size=2)

    def __iter__(self):
        for batch in super().__iter__():
            yield batch * 2


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm = nn.BatchNorm2d(3)

    def train_step(self, data, optim_wrapper=None):
        return {'loss': self.norm(data['inputs']).mean()}

    def forward(self, inputs, **_):
        return self.norm(inputs)


IMAGES = 3 + 2 * torch.randn(8, 3, 4, 4, generator=torch.Generator().manual_seed(0))


def runner(**loader):
    dataset = [dict(inputs=image) for image in IMAGES]
    loop = SimpleNamespace(dataloader=DataLoader(dataset, **loader))
    model = Model()
    model.data_preprocessor = lambda data, training: data
    logger = MMLogger.get_current_instance()
    return SimpleNamespace(train_loop=loop, model=model, logger=logger)


@pytest.mark.parametrize('sampled', [True, False])
def test_statistics_are_the_mean_over_the_batches(sampled):
    if sampled:
        loader = dict(batch_sampler=Groups(SequentialSampler(IMAGES), 2, False))
        batches = [x.repeat(2, 1, 1, 1) for x in IMAGES.split(2)]
    else:
        loader, batches = dict(batch_size=4), list(IMAGES.split(4))
    run = runner(**loader)
    images = 16 if sampled else 8
    PreciseBNHook(num_samples=images)._perform_precise_bn(run)
    means = torch.stack([x.mean((0, 2, 3)) for x in batches])
    torch.testing.assert_close(run.model.norm.running_mean, means.mean(0))


def test_fewer_images_than_a_batch_are_refused():
    run = runner(batch_sampler=Groups(SequentialSampler(IMAGES), 2, False))
    with pytest.raises(ValueError, match='at least a batch of 4 images, got 3'):
        PreciseBNHook(num_samples=3)._perform_precise_bn(run)
