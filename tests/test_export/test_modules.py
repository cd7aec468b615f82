"""Preprocessing as a module, compared with OpenCV, Pillow and MMPretrain."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from mmpretrain.models.utils import ClsDataPreprocessor

from mmqcs.deployment import ModelDescription
from mmqcs.deployment.onnx_classifier import normalise
from mmqcs.deployment.steps import (
    CenterCrop,
    Resize,
    ResizeEdge,
    Subsample,
    apply_steps,
)
from mmqcs.export.checks import ExportError
from mmqcs.export.modules import FacePreprocessor, check_steps

# enlarged, reduced by whole and other factors, and next to nothing
SIZES = [(100, 100), (48, 48), (144, 144), (230, 157), (61, 37), (3, 2)]
ABOUT = ModelDescription(
    classes=('a', 'b'),
    input_size=(28, 26),
    graph_input='faces',
    steps=(Resize(59, 59, backend='pillow'), CenterCrop(56, 52), Subsample(2)),
    swap_channels=True,
    mean=(123.675, 116.28, 103.53),
    std=(58.395, 57.12, 57.375),
    config='case',
)


def face(*size):
    return np.random.default_rng(0).integers(0, 256, (*size, 3), np.uint8)


@pytest.mark.parametrize('size', SIZES)
@pytest.mark.parametrize(
    'method', [('area', 'cv2'), ('bilinear', 'cv2'), ('bilinear', 'pillow')]
)
def test_resized_pixels_are_those_of_the_library(method, size):
    plain = replace(ABOUT, mean=None, std=None, swap_channels=False)
    image = torch.from_numpy(face(*size)[None])
    for target in ((72, 72), (40, 33)):
        step = Resize(*target, *method)
        grows = [new > old for new, old in zip(target, size, strict=True)]
        if method[0] == 'area' and len(set(grows)) > 1:
            continue  # OpenCV then interpolates, which no square face meets
        about = replace(plain, steps=(step,), input_size=target)
        found = FacePreprocessor(about)(image)[0].permute(1, 2, 0).numpy()
        difference = np.abs(found - step(image[0].numpy()))
        assert difference.max() <= 2
        assert difference.mean() < 0.3


@pytest.mark.parametrize(
    'changes', [{}, {'swap_channels': False}, {'mean': None, 'std': None}]
)
def test_images_are_those_of_data_preprocessor_and_deployment(changes):
    about = replace(ABOUT, graph_input='pixels', **changes)
    pixels = apply_steps(face(48, 70), about.steps)
    found = FacePreprocessor(about)(torch.from_numpy(pixels[None]))[0]
    assert np.array_equal(found, normalise(pixels, about))
    of_mmpretrain = ClsDataPreprocessor(
        mean=about.mean, std=about.std, to_rgb=about.swap_channels
    )
    batch = torch.from_numpy(pixels.transpose(2, 0, 1)[None].copy())
    assert torch.equal(found, of_mmpretrain({'inputs': batch})['inputs'][0])
    whole = FacePreprocessor(replace(about, graph_input='faces'))
    difference = whole(torch.from_numpy(face(48, 70)[None]))[0] - found
    assert difference.abs().max() <= (1.01 if about.mean is None else 0.02)


@pytest.mark.parametrize(
    ('steps', 'message'),
    [
        ((), 'resize to one size'),
        ((CenterCrop(8, 8),), 'resize to one size'),
        ((ResizeEdge(8),), 'resize to one size'),
        ((Resize(8, 8, 'bicubic'),), 'bicubic'),
        ((Resize(8, 8), ResizeEdge(8)), 'ResizeEdge'),
    ],
)
def test_steps_that_a_graph_cannot_perform_are_named(steps, message):
    with pytest.raises(ExportError, match=message):
        check_steps(steps)
