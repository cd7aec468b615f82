"""Writers of SynthFER into the folders and label files of FER datasets."""

from .base import FolderWriter, ImageFile, write_file
from .folded import CKPlusSequences, ExpWImages, JAFFEFiles, KDEFFolders
from .split import (
    AffectNet2021,
    AffectNetTables,
    CAERSFolders,
    FER2013Folders,
    FER2013Table,
    FERPlusTable,
    RAFDBOfficial,
)

__all__ = ['FOLDER_WRITERS', 'FolderWriter', 'ImageFile', 'write_file']

FOLDER_WRITERS: dict[str, type[FolderWriter]] = {
    'rafdb': RAFDBOfficial,
    'fer2013': FER2013Folders,
    'fer2013-csv': FER2013Table,
    'ferplus': FERPlusTable,
    'affectnet': AffectNetTables,
    'affectnet2021': AffectNet2021,
    'caer-s': CAERSFolders,
    'ck-plus': CKPlusSequences,
    'expw': ExpWImages,
    'jaffe': JAFFEFiles,
    'kdef': KDEFFolders,
}
