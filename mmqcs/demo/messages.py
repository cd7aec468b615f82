"""Sentences that the page shows."""

from typing import Any

import gradio as gr

from mmqcs.apis import ImageResult
from mmqcs.media.files import printable

NAMED = 12
"""Number of faces that a summary names."""

QUIET: dict[str, Any] = {'print_exception': False}
"""Options of a ``gradio.Error`` that needs no traceback on the server."""


def summarize(result: ImageResult) -> str:
    """Describe the faces of an image, in Markdown."""
    if not result.faces:
        reason = result.note or 'no face was found'
        return f'{reason[0].upper()}{reason[1:]}.'
    count = 'One face' if len(result.faces) == 1 else f'{len(result.faces)} faces'
    names = [
        f'{"" if x.track is None else f"{x.track} "}{x.name} ({100 * x.score:.0f} %)'
        for x in result.faces[:NAMED]
    ]
    names += ['...'] * (len(result.faces) > NAMED)
    return f'**{count}**, the largest first: {", ".join(names)}.'


def upload_error(message: str, path: str) -> gr.Error:
    """Return an error that the page shows, about the upload at a path."""
    return gr.Error(hide_path(message, path), **QUIET)


def hide_path(message: str, path: str) -> str:
    """Replace the path of an upload, which means nothing to the visitor."""
    return printable(message.replace(path, 'the upload'))
