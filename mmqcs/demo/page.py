"""Layout of the page: tabs for photographs, videos and a camera."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from threading import Lock
from typing import Any

import gradio as gr

from mmqcs.apis import FERInferencer

from . import camera, photograph, video
from .api import Api
from .components import Camera, ImageUpload, LiveImage, VideoUpload, image_output

KEPT_SECONDS = 3600
"""How long uploads, results and faces of a session are kept."""

HEIGHT = 420
"""Height of images and videos in pixels."""

ALONE: dict[str, Any] = {'concurrency_limit': 1, 'concurrency_id': 'photographs'}
"""One photograph at a time, for all sessions together."""

VIDEOS: dict[str, Any] = {'concurrency_limit': 1, 'concurrency_id': 'videos'}
"""One video at a time."""

PRIVATE: dict[str, Any] = {'api_visibility': 'private'}
"""Calls that only the page makes; their names and values can change."""

HIDDEN: dict[str, Any] = {'show_progress': 'hidden'}

CSS = """
#status progress { appearance: none; width: 100%; height: 8px; }
#status ::-webkit-progress-bar { background: var(--border-color-primary); }
#status ::-webkit-progress-value { background: var(--color-accent); }
#status ::-moz-progress-bar { background: var(--color-accent); }
/* on a phone, a timeline scrolls, because it would be too small to read */
#timeline .image-frame { overflow-x: auto; justify-content: flex-start; }
#timeline img { min-width: 640px; }
"""


def build_page(
    infer: FERInferencer,
    title: str,
    examples: Mapping[str, Sequence[Path]],
    waiting: int,
) -> gr.Blocks:
    """Build the page.

    Args:
        infer: Inferencer whose classifier is a ``FaceClassifier``.
        title: Line under the heading, in Markdown.
        examples: Photographs by the title of their group.
        waiting: Maximum number of requests that wait; more are refused as busy.
    """
    lock = Lock()
    kept = (KEPT_SECONDS // 6, KEPT_SECONDS)
    with gr.Blocks(title='mmqcs', analytics_enabled=False, delete_cache=kept) as blocks:
        gr.Markdown(f'# Facial expressions with mmqcs\n{title}')
        with gr.Tabs(elem_id='tabs'):
            with gr.Tab('Photograph', elem_id='tab-photograph', id='photograph'):
                _photograph_tab(photograph.Photograph(infer, lock), examples)
            with gr.Tab('Video', elem_id='tab-video', id='video'):
                _video_tab(video.Video(infer, lock))
            with gr.Tab('Camera', elem_id='tab-camera', id='camera'):
                _camera_tab(camera.Camera(infer, lock))
        _endpoints(Api(infer, lock))
    return blocks.queue(max_size=waiting)


def _endpoints(api: Api) -> None:
    """Add the calls for other programs; those of the page itself are private."""
    image = ImageUpload(visible=False, label='Image')
    video = VideoUpload(visible=False, label='Video')
    found = gr.JSON(visible=False, label='Faces')
    for handler, given, limits in (
        (api.image, image, ALONE),
        (api.video, video, VIDEOS),
        (api.video_frames, video, VIDEOS),
    ):
        summary = (handler.__doc__ or '').partition('\n')[0]
        options = {'api_name': handler.__name__, 'api_description': summary}
        gr.on([], handler, given, found, **options, **limits)


def _photograph_tab(
    handlers: photograph.Photograph, examples: Mapping[str, Sequence[Path]]
) -> None:
    seen = gr.State(time_to_live=KEPT_SECONDS)
    with gr.Row():
        with gr.Column():
            picture = ImageUpload(label='Image', height=HEIGHT, elem_id='picture')
            with gr.Row():
                for number, (label, paths) in enumerate(examples.items()):
                    files = [[str(path)] for path in paths]
                    name = f'examples-{number}'
                    with gr.Column(scale=len(files), min_width=160):
                        gr.Examples(files, picture, label=label, elem_id=name)
        with gr.Column():
            drawn = image_output('Faces', 'faces', height=HEIGHT)
            summary = gr.Markdown(photograph.HINT, elem_id='summary')
            choice = gr.Radio([], label='Face', visible=False, elem_id='face')
    with gr.Row():
        scores = gr.Label(label='Scores', elem_id='scores')
        heat = image_output('Evidence for the class: bright places', 'attention')
    found = [drawn, summary, seen, choice, scores, heat]
    alone: dict[str, Any] = {**ALONE, **PRIVATE}
    new = picture.change(handlers.analyse, picture, found, api_name='analyse', **alone)
    other = choice.input(handlers.show, [seen, choice], [scores, heat], **alone)
    if not photograph.can_compare(handlers.classifier.model):
        return
    gr.Markdown('## Compare with a second face')
    with gr.Row():
        second = ImageUpload(label='Second image', height=HEIGHT, elem_id='second')
        with gr.Column():
            ways = photograph.WAYS
            way = gr.Radio(ways, value=ways[0], label='Show', elem_id='way')
            told = gr.Markdown(elem_id='told')
    with gr.Row():
        left = image_output('First face: bright where the score is high', 'left')
        right = image_output('Second face', 'right')
    compared: dict[str, Any] = {
        'fn': handlers.compare,
        'inputs': [seen, choice, second, way],
        'outputs': [told, left, right],
        **alone,
    }
    for event in (second.change, new.then, other.then, way.input):
        event(**compared)


def _video_tab(handlers: video.Video) -> None:
    with gr.Row():
        with gr.Column():
            film = VideoUpload(
                label='Video', sources=['upload'], height=HEIGHT, elem_id='film'
            )
            with gr.Row():
                status = gr.HTML(video.HINT, padding=False, elem_id='status')
                stop = gr.Button('Stop', visible=False, scale=0, elem_id='stop')
        with gr.Column():
            drawn = gr.Video(
                label='Faces', interactive=False, height=HEIGHT, elem_id='drawn'
            )
    with gr.Column(visible=False) as results:
        gr.Markdown('## Expressions over time')
        timeline = image_output('Timeline', 'timeline', show_label=False)
        gr.Markdown('## Share of time')
        table = gr.Dataframe(
            show_label=False,
            interactive=False,
            column_widths=[96] * (2 + len(handlers.infer.classes)),
            elem_id='shares',
        )
        csv = gr.File(label='Table as CSV', interactive=False, elem_id='csv')
    outputs = [status, stop, drawn, timeline, table, csv, results]
    run = film.change(
        handlers.analyse,
        film,
        outputs,
        api_name='analyse_video',
        **VIDEOS,
        **PRIVATE,
        **HIDDEN,
    )
    ended: dict[str, Any] = {'outputs': [status, stop], **PRIVATE, **HIDDEN}
    run.failure(lambda: video.ended(''), **ended)
    stop.click(lambda: video.ended('Stopped.'), cancels=run, queue=False, **ended)
    film.clear(None, cancels=run)


def _camera_tab(handlers: camera.Camera) -> None:
    tracker = gr.State(time_to_live=KEPT_SECONDS)
    wanted = {'width': {'ideal': camera.SIDE}, 'facingMode': 'user'}
    with gr.Row():
        with gr.Column():
            shot = Camera(
                label='Camera',
                sources=['webcam'],
                streaming=True,
                webcam_options=gr.WebcamOptions(constraints={'video': wanted}),
                height=HEIGHT,
                elem_id='camera',
            )
            summary = gr.Markdown(camera.HINT, elem_id='live-summary')
        with gr.Column():
            drawn = LiveImage(
                label='Faces',
                interactive=False,
                buttons=[],
                height=HEIGHT,
                elem_id='live',
            )
    shot.stream(
        handlers.watch,
        [shot, tracker],
        [drawn, summary, tracker],
        api_name='watch',
        stream_every=camera.INTERVAL,
        time_limit=camera.SECONDS,
        concurrency_limit=camera.STREAMS,
        concurrency_id='cameras',
        **PRIVATE,
        **HIDDEN,
    )
