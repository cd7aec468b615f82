"""The part of the training split that is held out for validation."""

import hashlib
import os
from collections import defaultdict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from pathlib import Path

_TOO_FEW = {
    'subject': 'all are of one subject',
    'image': 'all faces are in one image',
    'class': 'each class has one image',
}


@dataclass(frozen=True)
class HeldOut:
    """Divides the training split of a dataset into a training and a validation part.

    Args:
        fraction: Share of the split that is held out, from 0 to 1; 0 divides nothing.
        validates: Whether the dataset has the part that is held out, or the rest.
        seed: Another seed holds out others.

    Raises:
        ValueError: The fraction is out of range, or 0 for the part that is held out.
    """

    fraction: float
    validates: bool
    seed: int

    def __post_init__(self) -> None:
        if not 0 <= self.fraction < 1:
            raise ValueError(f'val_fraction must be ≥ 0 and < 1, got {self.fraction}')
        if self.validates and not self.fraction:
            raise ValueError(
                'held_out=True needs val_fraction, the same as in the dataset of the '
                'training'
            )

    def check_split(self, dataset: str, split: str, splits: Sequence[str]) -> None:
        """Check that a split of a dataset can be divided.

        Raises:
            ValueError: It is not the training split, or the dataset has its own splits
                for validation and test.
        """
        if not self.fraction:
            return
        if {'val', 'test'} <= set(splits):
            raise ValueError(
                f'{dataset} has its own validation and test splits. Remove '
                f"val_fraction, train on split='train' and validate on split='val'"
            )
        if split != 'train':
            raise ValueError(
                f"{dataset}: val_fraction divides split='train', got {split!r}"
            )

    def divide(
        self, data_list: Sequence[dict], root: Path, several_faces: bool
    ) -> tuple[list[dict], dict]:
        """Return the part of a dataset, and a record of the choice.

        Args:
            data_list: Data infos of the training split, in any order.
            root: Folder to which the names of the images are relative, so that the
                choice is the same wherever the dataset lies.
            several_faces: Whether an image can show faces of several classes, which
                must stay together.

        Raises:
            ValueError: Nothing can be held out.
        """
        if 'subject' in data_list[0]:
            by = 'subject'
            groups = [info['subject'] for info in data_list]
        else:
            by = 'image' if several_faces else 'class'
            # rows of a table are named by URLs
            paths = [info['img_path'].rpartition('://')[2] for info in data_list]
            groups = [os.path.relpath(path, root) for path in paths]
        strata = [info['gt_label'] if by == 'class' else 0 for info in data_list]
        chosen = held_out_groups(groups, strata, self.fraction, self.seed)
        if not chosen:
            raise ValueError(
                f'val_fraction={self.fraction} can hold out nothing of '
                f'{len(data_list)} images: {_TOO_FEW[by]}'
            )
        part = [
            info
            for info, group in zip(data_list, groups, strict=True)
            if (group in chosen) == self.validates
        ]
        total = len(data_list)
        images = len(part) if self.validates else total - len(part)
        record = {'fraction': self.fraction, 'seed': self.seed, 'by': by}
        return part, {**record, 'images': images, 'of': total}


def held_out_groups(
    groups: Sequence[str], strata: Sequence[Hashable], fraction: float, seed: int
) -> set[str]:
    """Choose the groups to hold out, the same for any order of the images.

    Args:
        groups: Name of the group of each image, N of them: its subject, or the image
            itself. A group is held out as a whole.
        strata: Stratum of each image, N of them, such as its class; the same for all
            images of a group.
        fraction: Share of the groups to hold out in each stratum, rounded to whole
            groups. Of two or more groups, at least one is held out and at least one is
            not.
        seed: Another seed chooses other groups.
    """
    members: dict[Hashable, set[str]] = defaultdict(set)
    for group, stratum in zip(groups, strata, strict=True):
        members[stratum].add(group)
    chosen: set[str] = set()
    for names in members.values():
        # by hash, so that an image that is added or missing does not move the others
        order = sorted(names, key=lambda name: _rank(name, seed))
        count = max(round(fraction * len(order)), 1)
        chosen.update(order[: min(count, len(order) - 1)])
    return chosen


def _rank(name: str, seed: int) -> bytes:
    return hashlib.sha256(f'{seed} {name}'.encode()).digest()
