"""Precise BatchNorm statistics with a batch sampler."""

from collections.abc import Iterator
from typing import Any

from mmengine.dist import get_world_size
from mmengine.runner import Runner
from mmpretrain.engine import PreciseBNHook as StockPreciseBNHook
from mmpretrain.engine.hooks.precise_bn_hook import update_bn_stats
from torch.utils.data import DataLoader

from mmqcs.registry import HOOKS


class _Sized:
    """A data loader with the number of images per batch as ``batch_size``."""

    def __init__(self, loader: DataLoader) -> None:
        self.loader = loader
        self.batch_size = loader.batch_size
        if self.batch_size is None:
            sampler: Any = loader.batch_sampler
            ring = getattr(sampler, 'ring', None)
            self.batch_size = sampler.batch_size * (ring.size if ring else 1)

    def __iter__(self) -> Iterator[Any]:
        return iter(self.loader)

    def __len__(self) -> int:
        return len(self.loader)


@HOOKS.register_module()
class PreciseBNHook(StockPreciseBNHook):
    """MMPretrain's ``PreciseBNHook`` that also works with a batch sampler.

    The stock hook fails there, because it divides by the batch size of the loader,
    which a batch sampler leaves unset. Statistics are taken over all images of a batch.

    Args:
        num_samples: Number of images that the statistics are computed from.
        interval: Epochs or iterations between two computations.

    Raises:
        ValueError: Before a computation: ``num_samples`` is less than a batch.

    Examples:
        >>> from mmqcs.registry import HOOKS
        >>> custom_hooks = [dict(type='mmqcs.PreciseBNHook', num_samples=1024)]
        >>> HOOKS.build(custom_hooks[0]).num_samples
        1024
    """

    def _perform_precise_bn(self, runner: Runner) -> None:
        loader = _Sized(runner.train_loop.dataloader)
        batch = loader.batch_size * get_world_size()
        if self.num_samples < batch:
            raise ValueError(
                f'num_samples must be at least a batch of {batch} images, got '
                f'{self.num_samples}'
            )
        update_bn_stats(runner.model, loader, self.num_samples, logger=runner.logger)
