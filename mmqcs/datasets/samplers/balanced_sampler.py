"""Class-balanced sampling of anchors."""

import math
from collections.abc import Iterator, Sized

from mmengine.dist import get_dist_info, sync_random_seed
from torch.utils.data import Sampler

from mmqcs.registry import DATA_SAMPLERS

from .draws import class_index, epoch_generator


@DATA_SAMPLERS.register_module()
class BalancedSampler(Sampler):
    """Draws images with replacement so that all classes are equally likely.

    A class is drawn uniformly, then an image of it. The QCS and DCS recipes for
    AffectNet draw their anchors this way, with N/12 and N/8 images per epoch (Section 7
    of the supplement).

    Args:
        dataset: Labelled dataset of N images.
        fraction: Length of an epoch as a fraction of N; may exceed 1.
        seed: Seed, the same on all ranks. By default a random seed that the ranks
            agree on.

    Raises:
        ValueError: The fraction is not positive.

    Examples:
        >>> from collections import Counter
        >>> from mmqcs.datasets import SynthFER
        >>> data = SynthFER('train', num_images=700, imbalanced=True)
        >>> sampler = BalancedSampler(data, fraction=10, seed=0)
        >>> labels = data.get_gt_labels()  # 15 to 270 per class
        >>> sorted(Counter(labels[list(sampler)].tolist()).values())
        [955, 986, 995, 995, 1013, 1023, 1033]
    """

    def __init__(
        self, dataset: Sized, fraction: float = 1.0, seed: int | None = None
    ) -> None:
        if not fraction > 0:
            raise ValueError(f'fraction must be > 0, got {fraction}')
        self.rank, self.world_size = get_dist_info()
        self.dataset = dataset
        self.seed = sync_random_seed() if seed is None else seed
        self.epoch = 0
        self.index = class_index(dataset)
        total = max(1, int(len(dataset) * fraction))
        self.num_samples = math.ceil(total / self.world_size)

    def __iter__(self) -> Iterator[int]:
        """Yield this rank's share of the epoch's images."""
        rng = epoch_generator('anchors', self.seed, self.epoch)
        present = self.index.present
        size = self.num_samples * self.world_size
        labels = present[rng.integers(len(present), size=size)]
        images = self.index.members(labels, rng)
        return iter(images[self.rank :: self.world_size].tolist())

    def __len__(self) -> int:
        """Return the number of images of this rank."""
        return self.num_samples

    def set_epoch(self, epoch: int) -> None:
        """Set the epoch, which is part of the key of the random numbers."""
        self.epoch = epoch
