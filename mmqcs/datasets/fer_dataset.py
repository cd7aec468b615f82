"""What all FER data sets on disk have in common."""

from abc import abstractmethod
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from mmpretrain.datasets.base_dataset import BaseDataset


class Sample(NamedTuple):
    """One image of a data set.

    Attributes:
        path: Path of the image file.
        label: Class, counted from 0.
        origin: Where this was read, such as 'list.txt line 3', for messages.
    """

    path: str
    label: int
    origin: str


class FERDataset(BaseDataset):
    """Base of the FER data sets: reads a split, and fails where it must.

    Subclasses say what classes there are (``METAINFO``) and where the images of
    a split lie (:meth:`find_samples`). Labels are checked when the data set is
    built. A sample that cannot be read is an error that names its file: drawing
    another image in its place, as MMEngine's base class does in training, could
    put an image of the wrong class into a group.

    Args:
        data_root: Root folder.
        split: ``'train'``, or ``'test'``, which also sets the test mode.
        pipeline: Transforms.
        **kwargs: Further arguments of mmpretrain's ``BaseDataset``.

    Raises:
        ValueError: An unknown split, a label out of range, or no images.
        FileNotFoundError: A folder, list or image is missing.
    """

    SPLITS: tuple[str, ...] = ('train', 'test')

    def __init__(
        self,
        data_root: str = '',
        split: str = 'train',
        pipeline: Sequence = (),
        **kwargs: Any,
    ) -> None:
        if split not in self.SPLITS:
            raise ValueError(f'split must be one of {self.SPLITS}, got {split!r}')
        self.split = split
        kwargs.setdefault('test_mode', split != 'train')
        kwargs.setdefault('ann_file', '')
        super().__init__(data_root=data_root, pipeline=pipeline, **kwargs)

    @abstractmethod
    def find_samples(self) -> Iterable[Sample]:
        """Yields the samples of ``self.split`` below ``self.data_root``."""

    def load_data_list(self) -> list[dict]:
        """Collects the samples and checks their labels."""
        classes = self.metainfo['classes']
        data_list = []
        for sample in self.find_samples():
            if not 0 <= sample.label < len(classes):
                raise ValueError(
                    f'{sample.origin}: class {sample.label} (counted from 0) of '
                    f'{sample.path} is not one of the {len(classes)} classes '
                    f'{", ".join(classes)}'
                )
            data_list.append({'img_path': sample.path, 'gt_label': sample.label})
        if not data_list:
            raise ValueError(
                f'{type(self).__name__}: no images of the {self.split} split below '
                f'{self.data_root!r}'
            )
        return data_list

    def prepare_data(self, idx: int) -> dict:
        """Runs the pipeline on one sample.

        Args:
            idx: Index of the sample.

        Raises:
            RuntimeError: The pipeline failed or gave nothing; names the sample.
        """
        try:
            data = super().prepare_data(idx)
        except Exception as error:
            raise RuntimeError(
                f'{self._name(idx)} cannot be used: {type(error).__name__}: {error}. '
                f'Repair the file, or take it out of the data set'
            ) from error
        if data is None:
            raise RuntimeError(
                f'{self._name(idx)} cannot be used: the pipeline returned None. Repair '
                f'the file, or take it out of the data set'
            )
        return data

    def _name(self, idx: int) -> str:
        path = self.get_data_info(idx)['img_path']
        return f'{type(self).__name__} {self.split} image {idx}, {path},'

    def extra_repr(self) -> list[str]:
        """Lines that ``repr`` adds to those of the base class."""
        return [f'Root of dataset: \t{self.data_root}', f'Split: \t{self.split}']
