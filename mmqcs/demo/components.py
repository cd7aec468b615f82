"""Components that hand files to handlers as they are, and download nothing.

They are classes, because Gradio makes copies of components for sessions.
"""

import base64
import re
from abc import ABCMeta
from collections.abc import Callable
from typing import Any

import cv2
import gradio as gr
import numpy as np
from gradio.blocks import Block
from gradio.component_meta import ComponentMeta
from gradio.data_classes import FileData, ImageData

from .messages import QUIET


class _Meta(ComponentMeta):
    """Metaclass that leaves out what Gradio's does: writing a stub for the module."""

    def __new__(cls, *args: Any) -> type:
        return ABCMeta.__new__(cls, *args)


def _path(self: Block, payload: FileData | ImageData | None) -> str | None:
    """Return the path of an upload; Gradio's readers have unclear errors."""
    return None if payload is None else payload.path


async def _local_file(self: Block, url_or_file_path: Any) -> str | None:
    """Refuse URLs, which Gradio downloads for any client."""
    if re.match('https?:', str(url_or_file_path), re.IGNORECASE):
        raise gr.Error('URLs are not downloaded: upload the file', **QUIET)
    return await Block.async_move_resource_to_block_cache(self, url_or_file_path)


def _example(name: str) -> Callable[[Block], dict[str, Any]]:
    """Return a method that names a file in examples, in place of Gradio's URL."""
    meta = {'_type': 'gradio.FileData'}
    return lambda self: {'path': name, 'url': name, 'meta': meta}


class ImageUpload(gr.Image, metaclass=_Meta):
    """Image to upload, take or paste; handlers get its path."""

    is_template = True  # looks like its base class
    preprocess = _path
    example_payload = _example('photo.jpg')
    async_move_resource_to_block_cache = _local_file


class VideoUpload(gr.Video, metaclass=_Meta):
    """Video to upload; handlers get its path."""

    is_template = True
    preprocess = _path
    example_payload = _example('film.mp4')
    async_move_resource_to_block_cache = _local_file


class Camera(gr.Image, metaclass=_Meta):
    """Camera that streams frames; handlers get the content of an image file."""

    is_template = True
    async_move_resource_to_block_cache = _local_file

    def preprocess(self, payload: ImageData | None) -> bytes | None:  # type: ignore[override]
        """Return the content of a frame, which browsers send as a ``data:`` URL."""
        if payload is None:
            return None
        kind, _, text = (payload.url or '').partition(';base64,')
        if not kind.startswith('data:image/'):
            raise gr.Error('frames must be data: URLs', **QUIET)
        try:
            return base64.b64decode(text)
        except ValueError:
            raise gr.Error('a frame is not encoded as base64', **QUIET) from None


class LiveImage(gr.Image, metaclass=_Meta):
    """Image for the frames of a stream, which do not become files on the server."""

    is_template = True

    def postprocess(self, value: np.ndarray | None) -> ImageData | None:  # type: ignore[override]
        """Encode an RGB frame as JPEG."""
        if value is None:
            return None
        _, data = cv2.imencode('.jpg', value[..., ::-1])
        text = base64.b64encode(data.data).decode()
        return ImageData(url=f'data:image/jpeg;base64,{text}')


def image_output(label: str, elem_id: str, **options: Any) -> gr.Image:
    """Create an image that visitors can download and enlarge."""
    return gr.Image(
        label=label,
        interactive=False,
        buttons=['download', 'fullscreen'],
        elem_id=elem_id,
        **options,
    )
