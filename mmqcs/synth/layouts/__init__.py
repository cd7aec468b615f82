"""The layouts of FER data sets on disk, for writing SynthFER into them.

Each layout says where a face goes, how the drawn picture becomes that file, and
what label files come with it. Those of a data set are in the file of its name.
"""

from mmqcs.synth.synth_fer import SynthFERSettings

from .affect_net import AffectNet2021, AffectNetLists, AffectNetTables
from .base import Labels, Layout, Picture
from .caer_s import CAERSFolders
from .ck_plus import CKPlusSequences
from .exp_w import ExpWImages
from .fer2013 import FER2013Folders, FER2013Table
from .fer_plus import FERPlusLabelTables, FERPlusLists, FERPlusTable
from .files import part_of, write_file
from .jaffe import JAFFEFiles
from .kdef import KDEFFolders
from .raf_db import RAFDBFolders, RAFDBLists, RAFDBOfficial

__all__ = [
    'LAYOUTS',
    'Labels',
    'Layout',
    'Picture',
    'make_layout',
    'part_of',
    'write_file',
]

LAYOUTS: dict[str, type[Layout]] = {
    'rafdb': RAFDBOfficial,
    'rafdb-lists': RAFDBLists,
    'rafdb-folders': RAFDBFolders,
    'fer2013': FER2013Folders,
    'fer2013-csv': FER2013Table,
    'ferplus': FERPlusTable,
    'ferplus-label-csv': FERPlusLabelTables,
    'ferplus-lists': FERPlusLists,
    'affectnet': AffectNetTables,
    'affectnet-lists': AffectNetLists,
    'affectnet2021': AffectNet2021,
    'caer-s': CAERSFolders,
    'ck-plus': CKPlusSequences,
    'expw': ExpWImages,
    'jaffe': JAFFEFiles,
    'kdef': KDEFFolders,
}


def make_layout(name: str, labels: Labels, settings: SynthFERSettings) -> Layout:
    """Makes a layout by its name.

    Args:
        name: One of :data:`LAYOUTS`.
        labels: SynthFER's labels of both splits.
        settings: SynthFER's settings.

    Raises:
        ValueError: The layout is unknown, or the data set lacks a class.
    """
    if name not in LAYOUTS:
        raise ValueError(f'layout must be one of {", ".join(LAYOUTS)}, got {name!r}')
    return LAYOUTS[name](labels, settings)
