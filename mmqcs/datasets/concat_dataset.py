"""Concatenation of datasets with the same classes."""

from collections.abc import Sequence

from mmengine.dataset import BaseDataset
from mmengine.dataset import ConcatDataset as MMEngineConcatDataset

from mmqcs.registry import DATASETS


@DATASETS.register_module()
class ConcatDataset(MMEngineConcatDataset):
    """Concatenation of datasets with the same classes in the same order.

    MMEngine's ``ConcatDataset`` refuses datasets that differ in any meta information,
    such as ``dataset_name``. This one compares only the classes.

    Args:
        datasets: Datasets or their configs.
        lazy_init: Whether to postpone reading the lists of images. Defaults to False.

    Raises:
        ValueError: The classes of two datasets differ.

    Examples:
        >>> raf = dict(type='mmqcs.RAFDB', data_root='data/raf-db')
        >>> caer = dict(type='mmqcs.CAERS', data_root='data/caer-s')
        >>> data = ConcatDataset([dict(x, label_order='common') for x in (raf, caer)])
        >>> data.metainfo['dataset_name']
        'RAF-DB + CAER-S'
    """

    def __init__(
        self, datasets: Sequence[BaseDataset | dict], lazy_init: bool = False
    ) -> None:
        built = [DATASETS.build(d) if isinstance(d, dict) else d for d in datasets]
        infos = [dataset.metainfo for dataset in built]
        names = [
            info.get('dataset_name', type(dataset).__name__)
            for dataset, info in zip(built, infos, strict=True)
        ]
        classes = [tuple(info.get('classes', ())) for info in infos]
        for name, other in zip(names, classes, strict=True):
            if other != classes[0]:
                raise ValueError(
                    f'{names[0]} has the classes {", ".join(classes[0])}, but {name} '
                    f'has {", ".join(other)}. Give all datasets '
                    f"label_order='common' and the same num_classes"
                )
        keys = sorted(set().union(*infos))
        super().__init__(built, lazy_init=lazy_init, ignore_keys=keys)
        self._metainfo['dataset_name'] = ' + '.join(dict.fromkeys(names))
