"""Components that read and write files as they are."""

import asyncio
from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip('gradio', reason="the page needs gradio: pip install 'mmqcs[demo]'")

import gradio as gr
from gradio.data_classes import FileData, ImageData

from mmqcs.demo import components
from mmqcs.demo.components import Camera, ImageUpload, LiveImage, VideoUpload


@pytest.mark.parametrize('kind', [ImageUpload, VideoUpload])
def test_handlers_get_paths(kind):
    component = kind()
    assert component.preprocess(FileData(path='x/a.heic')) == 'x/a.heic'
    assert component.preprocess(None) is None


@pytest.mark.parametrize('kind', [ImageUpload, VideoUpload, Camera])
def test_no_url_is_downloaded(kind, tmp_path):
    component = kind()
    for url in ('http://192.0.2.1/a.png', 'HTTPS://192.0.2.1/a.png'):
        with pytest.raises(gr.Error, match='not downloaded'):
            asyncio.run(component.async_move_resource_to_block_cache(url))
    (tmp_path / 'a').write_text('text')
    kept = asyncio.run(component.async_move_resource_to_block_cache(tmp_path / 'a'))
    assert Path(kept).read_text() == 'text'


def test_camera_frames_are_not_files():
    camera, live = Camera(), LiveImage()
    image = np.full((32, 48, 3), (200, 60, 20), np.uint8)
    sent = live.postprocess(image)
    assert sent.path is None
    content = camera.preprocess(ImageData(url=sent.url))
    decoded = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR_RGB)
    assert np.abs(decoded.astype(int) - image).max() < 10
    assert live.postprocess(None) is camera.preprocess(None) is None


@pytest.mark.parametrize(
    'upload',
    [
        ImageData(path='/etc/hosts'),
        ImageData(url='http://192.0.2.1/a.png'),
        ImageData(url='data:text/html;base64,AAAA'),
        ImageData(url='data:image/jpeg;base64,A'),
    ],
)
def test_other_frames_are_refused(upload):
    with pytest.raises(gr.Error, match='frame'):
        Camera().preprocess(upload)


def test_components_look_like_those_of_gradio():
    kinds = {ImageUpload: 'image', Camera: 'image', LiveImage: 'image'}
    for kind, name in {**kinds, VideoUpload: 'video'}.items():
        assert kind().get_block_name() == name
    # Gradio's metaclass would write a stub next to the module
    assert not Path(components.__file__).with_suffix('.pyi').exists()
