"""Layout of the page, and its event handlers."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import gradio as gr
import numpy as np
from gradio.data_classes import ImageData

from mmqcs.apis import FaceClassifier, FERInferencer, ImageResult
from mmqcs.apis.drawing import draw_faces, reduce_image
from mmqcs.explain import attention_map, token_similarity
from mmqcs.media.files import printable
from mmqcs.visualization import overlay_heat_map

HINT = 'Upload an image, take one with the camera, or paste one.'
WAYS = ('where they agree', 'where they differ')

SHOWN_SIDE = 2048
"""Maximum side in pixels of an annotated image that is sent to the browser."""

CUT_SIDE = 512
"""Maximum side in pixels of a face that a session keeps."""

KEPT_SECONDS = 3600
"""How long uploads, results and faces of a session are kept."""

WAITING = 32
"""Maximum number of requests that wait for the model; more are refused as busy."""

SIDE = 336
"""Side of the heat maps in pixels."""


@dataclass(frozen=True)
class Seen:
    """The faces of an uploaded image."""

    result: ImageResult
    cuts: tuple[np.ndarray, ...]


class Page:
    """Event handlers; inputs are image files, outputs are RGB arrays."""

    def __init__(self, infer: FERInferencer) -> None:
        self.infer = infer

    def look(self, path: str | None) -> Seen | None:
        """Find and classify the faces of an image file, or of its first frame.

        Raises:
            gradio.Error: The image cannot be read. The page shows the message.
        """
        if path is None:
            return None
        result = next(self.infer.stream(path, keep_images=True))
        if result.error is not None:
            # the name of the file on the server means nothing to the user
            message = printable(result.error.replace(path, 'the upload'))
            raise gr.Error(message, print_exception=False)
        cuts = (self.infer.cut(result.image, item.face) for item in result.faces)
        return Seen(result, tuple(reduce_image(cut, CUT_SIDE) for cut in cuts))

    def analyse(self, path: str | None) -> tuple[Any, ...]:
        """Handle a new image: show its faces, and the scores of the first face."""
        seen = self.look(path)
        if seen is None:
            nothing = gr.update(choices=[], value=None, visible=False)
            return None, HINT, None, nothing, None, None
        faces = seen.result.faces
        drawn = draw_faces(seen.result.image, seen.result)
        drawn = reduce_image(drawn, SHOWN_SIDE)[..., ::-1]
        seen = replace(seen, result=replace(seen.result, image=None))  # saves memory
        choices = [f'{i}: {face.name}' for i, face in enumerate(faces, 1)]
        first = choices[0] if choices else None
        choice = gr.update(choices=choices, value=first, visible=len(choices) > 1)
        return drawn, _summary(seen.result), seen, choice, *self.show(seen, first)

    def show(
        self, seen: Seen | None, choice: str | None
    ) -> tuple[dict[str, float] | None, np.ndarray | None]:
        """Handle the choice of a face: show its scores and a map of its class."""
        if seen is None or not choice:
            return None, None
        number = int(choice.partition(':')[0]) - 1
        face = seen.result.faces[number]
        scores = zip(seen.result.classes, map(float, face.scores), strict=True)
        heat = attention_overlay(self.infer.classifier, seen.cuts[number])
        return dict(scores), heat

    def compare(
        self, seen: Seen | None, choice: str | None, path: str | None, way: str
    ) -> tuple[str, np.ndarray | None, np.ndarray | None]:
        """Handle a second image: compare its largest face with the chosen one."""
        if path is None:
            return '', None, None
        if seen is None or not seen.cuts:
            return 'The first image needs a face.', None, None
        other = self.look(path)
        if not other.cuts:
            return 'No face was found in the second image.', None, None
        number = int(choice.partition(':')[0]) - 1 if choice else 0
        try:
            overlays = similarity_overlays(
                self.infer.classifier,
                seen.cuts[number],
                other.cuts[0],
                differing=way == WAYS[1],
            )
        except ValueError as error:  # no cross similarity attention
            return str(error), None, None
        names = (seen.result.faces[number].name, other.result.faces[0].name)
        return f'First face: **{names[0]}**. Second face: **{names[1]}**.', *overlays


def attention_overlay(classifier: FaceClassifier, face: np.ndarray) -> np.ndarray:
    """Overlay a BGR face with the evidence for its class, RGB."""
    (heat,) = attention_map(classifier.model, classifier.prepare([face])).cpu().numpy()
    return overlay_heat_map(_view(classifier, face), heat)


def similarity_overlays(
    classifier: FaceClassifier,
    first: np.ndarray,
    second: np.ndarray,
    differing: bool = False,
) -> tuple[np.ndarray, np.ndarray]:
    """Overlay two BGR faces with maps of where they agree, or differ.

    The maps are scores of cross similarity attention, averaged over the levels. Both
    have the same range of colours. Tokens with the mean score of their face have the
    middle colour.
    """
    inputs = classifier.prepare([first, second])
    scores = token_similarity(classifier.model, inputs[:1], inputs[1:], differing)
    heats = [levels[:, 0].mean(0).cpu().numpy() for levels in scores]
    reach = max(float(np.abs(heat - 1).max()) for heat in heats) or 1.0
    overlays = [
        overlay_heat_map(_view(classifier, face), heat, 1 - reach, 1 + reach)
        for face, heat in zip((first, second), heats, strict=True)
    ]
    return overlays[0], overlays[1]


def _view(classifier: FaceClassifier, face: np.ndarray) -> np.ndarray:
    """Return the input of the network, enlarged, as RGB."""
    (view,) = classifier.views([face])
    large = cv2.resize(view, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)
    return cv2.cvtColor(large, cv2.COLOR_BGR2RGB)


def _summary(result: ImageResult) -> str:
    if not result.faces:
        return 'No face was found.'
    count = 'One face' if len(result.faces) == 1 else f'{len(result.faces)} faces'
    names = ', '.join(f'{x.name} ({100 * x.score:.0f} %)' for x in result.faces)
    return f'**{count}**, the largest first: {names}.'


def _input(label: str, height: int, elem_id: str) -> gr.Image:
    sources = ['upload', 'webcam', 'clipboard']
    options = {'type': 'filepath', 'sources': sources, 'elem_id': elem_id}
    image = gr.Image(label=label, height=height, **options)
    image.preprocess = _path
    return image


def _output(label: str, elem_id: str, height: int | None = None) -> gr.Image:
    buttons = ['download', 'fullscreen']
    options = {'interactive': False, 'buttons': buttons, 'elem_id': elem_id}
    return gr.Image(label=label, height=height, **options)


def _path(upload: ImageData | None) -> str | None:
    """Return the path of an upload; reading by Gradio gives no clear errors."""
    return None if upload is None else upload.path


def build_page(
    infer: FERInferencer, title: str, examples: Sequence[Path] = ()
) -> gr.Blocks:
    """Build the page for an inferencer whose classifier is a ``FaceClassifier``."""
    page = Page(infer)
    files = [[str(path)] for path in examples]
    kept = (KEPT_SECONDS // 6, KEPT_SECONDS)
    with gr.Blocks(title='mmqcs', analytics_enabled=False, delete_cache=kept) as blocks:
        gr.Markdown(f'# Facial expressions with mmqcs\n{title}')
        seen = gr.State(time_to_live=KEPT_SECONDS)
        with gr.Row():
            with gr.Column():
                picture = _input('Image', 480, 'picture')
                if files:
                    gr.Examples(files, picture, label='Examples: rendered faces')
            with gr.Column():
                drawn = _output('Faces', 'faces', 480)
                summary = gr.Markdown(HINT, elem_id='summary')
                choice = gr.Radio([], label='Face', visible=False, elem_id='face')
        with gr.Row():
            scores = gr.Label(label='Scores', elem_id='scores')
            heat = _output('Evidence for the class: bright places', 'attention')
        gr.Markdown('## Compare with a second face')
        with gr.Row():
            second = _input('Second image', 400, 'second')
            with gr.Column():
                way = gr.Radio(WAYS, value=WAYS[0], label='Show', elem_id='way')
                told = gr.Markdown(elem_id='told')
        with gr.Row():
            left = _output('First face: bright where the score is high', 'left')
            right = _output('Second face', 'right')

        # one image at a time, for all sessions together
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
