"""Strict readers of label lists, tables and image folders."""

from .fields import face_box, image_name, integer
from .listings import Sample, read_class_folders, read_label_list
from .text_files import read_lines, read_table

__all__ = [
    'Sample',
    'face_box',
    'image_name',
    'integer',
    'read_class_folders',
    'read_label_list',
    'read_lines',
    'read_table',
]
