"""Annotations of scenes for detectors: COCO, and WIDER Face in the format of VOC."""

from collections.abc import Sequence
from xml.etree import ElementTree

from .scenes import SceneFace


def coco_annotations(
    scenes: Sequence[Sequence[SceneFace]],
    file_names: Sequence[str],
    image_size: int,
    classes: Sequence[str],
) -> dict[str, list[dict]]:
    """Return the annotations of a split in the format of COCO.

    The category of a face is its expression. IDs start from 1.
    """
    annotations: list[dict] = []
    for image_id, faces in enumerate(scenes, start=1):
        for face in faces:
            left, top, right, bottom = (round(float(x), 2) for x in face.box)
            width, height = round(right - left, 2), round(bottom - top, 2)
            annotation = dict(
                id=len(annotations) + 1,
                image_id=image_id,
                category_id=face.label + 1,
                bbox=[left, top, width, height],
                area=round(width * height, 2),
                iscrowd=0,
            )
            annotations.append(annotation)
    images = [
        dict(id=i, file_name=name, width=image_size, height=image_size)
        for i, name in enumerate(file_names, start=1)
    ]
    categories = [
        dict(id=i, name=name, supercategory='face')
        for i, name in enumerate(classes, start=1)
    ]
    return dict(images=images, annotations=annotations, categories=categories)


def voc_annotation(
    faces: Sequence[SceneFace], folder: str, file_name: str, image_size: int
) -> bytes:
    """Return the annotation of a scene as VOC XML, with boxes of the class ``face``."""
    root = ElementTree.Element('annotation')
    _fill(root, folder=folder, filename=file_name)
    size = ElementTree.SubElement(root, 'size')
    _fill(size, width=image_size, height=image_size, depth=3)
    for face in faces:
        item = ElementTree.SubElement(root, 'object')
        _fill(item, name='face', difficult=0)
        left, top, right, bottom = (round(float(x)) for x in face.box)
        box = ElementTree.SubElement(item, 'bndbox')
        _fill(box, xmin=left, ymin=top, xmax=right, ymax=bottom)
    ElementTree.indent(root)
    return ElementTree.tostring(root)


def _fill(parent: ElementTree.Element, **values: str | int) -> None:
    for key, value in values.items():
        ElementTree.SubElement(parent, key).text = str(value)
