"""The page: its layout and the functions behind it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
from gradio.data_classes import ImageData

from mmqcs.apis import FERInferencer, ImageResult
from mmqcs.apis.drawing import draw_faces, reduce_image
from mmqcs.apis.files import printable

from .explain import attention_picture, similarity_pictures

__all__ = ['build_page']

HINT = 'Give an image: upload it, take it with the camera, or paste it.'
BUTTONS = ['download', 'fullscreen']
WAYS = ('where they agree', 'where they differ')


SHOWN_SIDE = 2048
"""Longest side in pixels of an image with faces that is sent to the browser."""

CUT_SIDE = 512
"""Longest side in pixels of a face that a session keeps."""

KEPT_SECONDS = 3600
"""How long uploads, results and the faces of a session are kept."""

WAITING = 32
"""Most requests that wait for the model; more are told that it is busy."""


@dataclass(frozen=True)
class Seen:
    """The faces of an image that was given."""

    result: ImageResult
    cuts: tuple[np.ndarray, ...]


class Page:
    """Functions behind the page; images in and out are files and RGB arrays.

    Args:
        infer: The inferencer; its classifier must be a ``FaceClassifier``.
    """

    def __init__(self, infer: FERInferencer) -> None:
        self.infer = infer

    def look(self, path: str | None) -> Seen | None:
        """Find and classify the faces of an image.

        Args:
            path: The file; of an animation the first frame is taken.

        Raises:
            gradio.Error: The image cannot be read; shown on the page.
        """
        if path is None:
            return None
        result = next(self.infer.stream(path, keep_images=True))
        if result.error is not None:
            # not the name that the server gave the file
            message = printable(result.error.replace(path, 'the upload'))
            raise gr.Error(message, print_exception=False)
        cuts = (self.infer.cut(result.image, item.face) for item in result.faces)
        return Seen(result, tuple(reduce_image(cut, CUT_SIDE) for cut in cuts))

    def analyse(self, path: str | None) -> tuple[Any, ...]:
        """Answer to a new image: its faces, the choice of one, and its scores."""
        seen = self.look(path)
        if seen is None:
            nothing = gr.update(choices=[], value=None, visible=False)
            return None, HINT, None, nothing, None, None
        faces = seen.result.faces
        drawn = draw_faces(seen.result.image, seen.result)
        drawn = reduce_image(drawn, SHOWN_SIDE)[..., ::-1]
        seen = replace(seen, result=replace(seen.result, image=None))  # is kept
        choices = [f'{i}: {face.name}' for i, face in enumerate(faces, 1)]
        first = choices[0] if choices else None
        choice = gr.update(choices=choices, value=first, visible=len(choices) > 1)
        return drawn, _summary(seen.result), seen, choice, *self.show(seen, first)

    def show(
        self, seen: Seen | None, choice: str | None
    ) -> tuple[dict[str, float] | None, np.ndarray | None]:
        """Answer to the choice of a face: its scores and a map of its class."""
        if seen is None or not choice:
            return None, None
        number = int(choice.partition(':')[0]) - 1
        face = seen.result.faces[number]
        scores = zip(seen.result.classes, map(float, face.scores), strict=True)
        heat = attention_picture(self.infer.classifier, seen.cuts[number])
        return dict(scores), heat

    def compare(
        self, seen: Seen | None, choice: str | None, path: str | None, way: str
    ) -> tuple[str, np.ndarray | None, np.ndarray | None]:
        """Answer to a second image: its largest face next to the chosen one."""
        if path is None:
            return '', None, None
        if seen is None or not seen.cuts:
            return 'Give a first image with a face.', None, None
        other = self.look(path)
        if not other.cuts:
            return 'No face was found in the second image.', None, None
        number = int(choice.partition(':')[0]) - 1 if choice else 0
        try:
            pictures = similarity_pictures(
                self.infer.classifier,
                seen.cuts[number],
                other.cuts[0],
                differing=way == WAYS[1],
            )
        except ValueError as error:  # a model without this attention
            return str(error), None, None
        names = (seen.result.faces[number].name, other.result.faces[0].name)
        return f'First face: **{names[0]}**. Second face: **{names[1]}**.', *pictures


def _summary(result: ImageResult) -> str:
    if not result.faces:
        return 'No face was found.'
    count = 'One face' if len(result.faces) == 1 else f'{len(result.faces)} faces'
    names = ', '.join(f'{x.name} ({100 * x.score:.0f} %)' for x in result.faces)
    return f'**{count}**, the largest first: {names}.'


def _path(upload: ImageData | None) -> str | None:
    """Return the path of an upload.

    Gradio's own reading of images knows more formats, and does not say what is wrong.
    """
    return None if upload is None else upload.path


def build_page(
    infer: FERInferencer, title: str, examples: Sequence[Path] = ()
) -> gr.Blocks:
    """Build the page.

    Args:
        infer: The inferencer; its classifier must be a ``FaceClassifier``.
        title: Name of the model.
        examples: Images offered for a try.

    Returns:
        The page, to be launched.
    """
    page = Page(infer)
    files = [[str(path)] for path in examples]
    kept = (KEPT_SECONDS // 6, KEPT_SECONDS)
    with gr.Blocks(title='mmqcs', analytics_enabled=False, delete_cache=kept) as blocks:
        gr.Markdown(f'# Facial expressions with mmqcs\n{title}')
        seen = gr.State(time_to_live=KEPT_SECONDS)
        with gr.Row():
            with gr.Column():
                picture = gr.Image(
                    label='Image',
                    height=480,
                    type='filepath',
                    sources=['upload', 'webcam', 'clipboard'],
                    elem_id='picture',
                )
                if files:
                    gr.Examples(files, picture, label='Drawn faces to try')
            with gr.Column():
                drawn = gr.Image(
                    label='Faces',
                    height=480,
                    interactive=False,
                    buttons=BUTTONS,
                    elem_id='faces',
                )
                summary = gr.Markdown(HINT, elem_id='summary')
                choice = gr.Radio([], label='Face', visible=False, elem_id='face')
        with gr.Row():
            scores = gr.Label(label='Scores', elem_id='scores')
            heat = gr.Image(
                label='What speaks for the class: the brighter, the more',
                interactive=False,
                buttons=BUTTONS,
                elem_id='attention',
            )
        gr.Markdown('## Compare with a second face')
        with gr.Row():
            second = gr.Image(
                label='Second image',
                height=400,
                type='filepath',
                sources=['upload', 'webcam', 'clipboard'],
                elem_id='second',
            )
            with gr.Column():
                way = gr.Radio(WAYS, value=WAYS[0], label='Show', elem_id='way')
                told = gr.Markdown(elem_id='told')
        with gr.Row():
            left = gr.Image(
                label='First face: bright tokens compare most',
                interactive=False,
                buttons=BUTTONS,
                elem_id='left',
            )
            right = gr.Image(
                label='Second face', interactive=False, buttons=BUTTONS, elem_id='right'
            )

        picture.preprocess = second.preprocess = _path
        # one image at a time, whoever gives it
        alone = {'concurrency_limit': 1, 'concurrency_id': 'model'}
        found = [drawn, summary, seen, choice, scores, heat]
        compared = ([seen, choice, second, way], [told, left, right])
        picture.change(page.analyse, picture, found, **alone).then(
            page.compare, *compared, **alone
        )
        choice.input(page.show, [seen, choice], [scores, heat], **alone).then(
            page.compare, *compared, **alone
        )
        second.change(page.compare, *compared, **alone)
        way.input(page.compare, *compared, **alone)
    return blocks.queue(max_size=WAITING)
