"""The page: layout and what happens when something is given to it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np

from mmqcs.apis import FERInferencer, ImageResult
from mmqcs.apis.drawing import draw_faces

from .explain import attention_picture, similarity_pictures

__all__ = ['build_page']

HINT = 'Give a picture: upload it, take it with the camera, or paste it.'
BUTTONS = ['download', 'fullscreen']
WAYS = ('where they agree', 'where they differ')


@dataclass(frozen=True)
class Seen:
    """A picture that was given, and what was found in it."""

    result: ImageResult
    cuts: tuple[np.ndarray, ...]


class Page:
    """What the page computes; pictures in and out are files and RGB arrays.

    Args:
        infer: The inferencer; its classifier must be a ``FaceClassifier``.
    """

    def __init__(self, infer: FERInferencer) -> None:
        self.infer = infer

    def look(self, path: str | None) -> Seen | None:
        """Finds and classifies the faces of a picture.

        Raises:
            gradio.Error: The picture cannot be read; shown on the page.
        """
        if path is None:
            return None
        result = next(self.infer.stream(path, keep_images=True))  # of a GIF the first
        if result.error is not None:
            # not the name that the server gave the file
            raise gr.Error(result.error.replace(path, 'the picture'))
        cuts = [self.infer.cut(result.image, item.face) for item in result.faces]
        return Seen(result, tuple(cuts))

    def analyse(self, path: str | None) -> tuple[Any, ...]:
        """A picture was given: faces, the choice of one, and what is shown of it."""
        seen = self.look(path)
        if seen is None:
            nothing = gr.update(choices=[], value=None, visible=False)
            return None, HINT, None, nothing, None, None
        faces = seen.result.faces
        drawn = draw_faces(seen.result.image, seen.result)[..., ::-1]
        choices = [f'{i}: {face.name}' for i, face in enumerate(faces, 1)]
        first = choices[0] if choices else None
        choice = gr.update(choices=choices, value=first, visible=len(choices) > 1)
        return drawn, _summary(seen.result), seen, choice, *self.show(seen, first)

    def show(
        self, seen: Seen | None, choice: str | None
    ) -> tuple[dict[str, float] | None, np.ndarray | None]:
        """A face was chosen: its scores and what speaks for the class."""
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
        """A second picture was given: its largest face beside the chosen one."""
        if path is None:
            return '', None, None
        if seen is None or not seen.cuts:
            return 'Give a first picture with a face.', None, None
        other = self.look(path)
        if not other.cuts:
            return 'No face was found in the second picture.', None, None
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


def build_page(
    infer: FERInferencer, title: str, examples: Sequence[Path] = ()
) -> gr.Blocks:
    """Builds the page.

    Args:
        infer: The inferencer; its classifier must be a ``FaceClassifier``.
        title: Which model it is.
        examples: Pictures offered for a try.

    Returns:
        The page, to be launched.
    """
    page = Page(infer)
    files = [[str(path)] for path in examples]
    with gr.Blocks(title='mmqcs', analytics_enabled=False) as blocks:
        gr.Markdown(f'# Facial expressions with mmqcs\n{title}')
        seen = gr.State()
        with gr.Row():
            with gr.Column():
                picture = gr.Image(
                    label='Picture',
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
                label='Second picture',
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

        found = [drawn, summary, seen, choice, scores, heat]
        compared = ([seen, choice, second, way], [told, left, right])
        picture.change(page.analyse, picture, found).then(page.compare, *compared)
        choice.input(page.show, [seen, choice], [scores, heat]).then(
            page.compare, *compared
        )
        second.change(page.compare, *compared)
        way.input(page.compare, *compared)
    return blocks
