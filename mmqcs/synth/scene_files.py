"""Annotations of scenes as detectors read them: COCO and the VOC form of WIDER Face."""

from collections.abc import Sequence
from xml.etree import ElementTree

from .scenes import SceneFace

__all__ = ['coco_annotations', 'voc_annotation']


def coco_annotations(
    scenes: Sequence[Sequence[SceneFace]],
    file_names: Sequence[str],
    image_size: int,
    classes: Sequence[str],
) -> dict[str, list[dict]]:
    """Annotations of a split in COCO's format; the category is the expression.

    Args:
        scenes: The faces of each scene.
        file_names: File of each scene, as the annotations shall name it.
        image_size: Side of the scenes in pixels.
        classes: Names of the classes by label.

    Returns:
        ``images``, ``annotations`` and ``categories``, to be written as JSON. All
        numbers count from 1; ``bbox`` is left, top, width and height in pixels.
    """
    annotations: list[dict] = []
    for image_id, faces in enumerate(scenes, start=1):
        for face in faces:
            left, top, right, bottom = (round(float(x), 2) for x in face.box)
            width, height = round(right - left, 2), round(bottom - top, 2)
            annotations.append(
                {
                    'id': len(annotations) + 1,
                    'image_id': image_id,
                    'category_id': face.label + 1,
                    'bbox': [left, top, width, height],
                    'area': round(width * height, 2),
                    'iscrowd': 0,
                }
            )
    return {
        'images': [
            {'id': i, 'file_name': name, 'width': image_size, 'height': image_size}
            for i, name in enumerate(file_names, start=1)
        ],
        'annotations': annotations,
        'categories': [
            {'id': i, 'name': name, 'supercategory': 'face'}
            for i, name in enumerate(classes, start=1)
        ],
    }


def voc_annotation(
    faces: Sequence[SceneFace], folder: str, file_name: str, image_size: int
) -> bytes:
    """Annotation of a scene in the VOC form of WIDER Face: boxes of class ``face``.

    Args:
        faces: The faces of the scene.
        folder: Folder of the image below the split's.
        file_name: Name of the image in it.
        image_size: Side of the scene in pixels.

    Returns:
        The XML file.
    """
    root = ElementTree.Element('annotation')
    for key, value in (('folder', folder), ('filename', file_name)):
        ElementTree.SubElement(root, key).text = value
    size = ElementTree.SubElement(root, 'size')
    for key, value in (('width', image_size), ('height', image_size), ('depth', 3)):
        ElementTree.SubElement(size, key).text = str(value)
    for face in faces:
        item = ElementTree.SubElement(root, 'object')
        ElementTree.SubElement(item, 'name').text = 'face'
        ElementTree.SubElement(item, 'difficult').text = '0'
        box = ElementTree.SubElement(item, 'bndbox')
        for key, value in zip(('xmin', 'ymin', 'xmax', 'ymax'), face.box, strict=True):
            ElementTree.SubElement(box, key).text = str(round(float(value)))
    ElementTree.indent(root)
    return ElementTree.tostring(root)
