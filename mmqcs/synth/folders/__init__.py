"""Writers of SynthFER into the folders and label files of FER datasets.

The writers of a dataset are in the module of its name. Each one defines where a face
is stored, how the rendered image is turned into that file, and the label files.
"""

from mmqcs.synth.synth_fer import SynthFERSettings

from .affect_net import AffectNet2021, AffectNetLists, AffectNetTables
from .base import FolderWriter, ImageFile, Labels, write_file
from .caer_s import CAERSFolders
from .ck_plus import CKPlusSequences
from .exp_w import ExpWImages
from .fer2013 import FER2013Folders, FER2013Table
from .fer_plus import FERPlusLabelTables, FERPlusLists, FERPlusTable
from .jaffe import JAFFEFiles
from .kdef import KDEFFolders
from .raf_db import RAFDBFolders, RAFDBLists, RAFDBOfficial

__all__ = [
    'FOLDER_WRITERS',
    'FolderWriter',
    'ImageFile',
    'Labels',
    'make_folder_writer',
    'write_file',
]

FOLDER_WRITERS: dict[str, type[FolderWriter]] = {
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


def make_folder_writer(
    layout: str, labels: Labels, settings: SynthFERSettings
) -> FolderWriter:
    """Create the writer of a layout.

    Args:
        layout: A key of :data:`FOLDER_WRITERS`.
        labels: SynthFER labels of each split.
        settings: SynthFER settings.

    Raises:
        ValueError: The layout is unknown, or the dataset lacks a class.
    """
    if layout not in FOLDER_WRITERS:
        known = ', '.join(FOLDER_WRITERS)
        raise ValueError(f'layout must be one of {known}, got {layout!r}')
    return FOLDER_WRITERS[layout](labels, settings)
