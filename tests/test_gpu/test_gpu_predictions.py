"""Predictions of a GPU against those of the CPU."""

import numpy as np
import pytest
import torch
from faces_case import scene, write_untrained
from gpu_case import CONFIG, DEVICE, GRAPHS, needs_gpu, small
from mmcv.cnn import fuse_conv_bn

from mmqcs.apis import FERInferencer
from mmqcs.faces import Face, MTCNNDetector

pytestmark = needs_gpu


class KnownFaces:
    """A detector for the rendered scenes, which needs no files."""

    def detect(self, image):
        for number in range(2):
            picture, faces = scene(number)
            if np.array_equal(picture, image):
                return [Face(face.box, 1.0) for face in faces]
        raise AssertionError('another image')


def test_the_inferencer_finds_the_same_on_both_devices(tmp_path):
    checkpoint = write_untrained(CONFIG, tmp_path / 'qcs.pth')
    pictures = [scene(number)[0] for number in range(2)]
    found = {}
    for device in ('cpu', DEVICE):
        infer = FERInferencer(checkpoint, faces=KnownFaces(), device=device)
        results = infer(pictures)
        found[device] = [face.scores for result in results for face in result.faces]
    assert len(found['cpu']) == sum(len(scene(number)[1]) for number in range(2))
    np.testing.assert_allclose(found[DEVICE], found['cpu'], atol=1e-5)


def test_mtcnn_finds_the_same_faces_on_both_devices():
    pytest.importorskip('mtcnn')
    images = [scene(number)[0] for number in range(3)]
    expected, result = (
        MTCNNDetector(device=name).detect_batch(images) for name in ('cpu', DEVICE)
    )
    assert sum(map(len, expected)) > 3
    for faces, others in zip(expected, result, strict=True):
        # a CPU resizes bytes, so boxes differ by rounding
        for face, other in zip(faces, others, strict=True):
            np.testing.assert_allclose(other.box, face.box, atol=2)
            np.testing.assert_allclose(other.points, face.points, atol=2)


@pytest.mark.parametrize('fused', [False, True])
def test_graphs_predict_the_same(fused):
    eager, graphs = small().eval(), small(compile=GRAPHS).eval()
    if fused:
        eager, graphs = fuse_conv_bn(eager), fuse_conv_bn(graphs)
    for count in (2, 4, 3, 4, 1):  # recorded for the first two
        images = torch.randn(count, 3, 64, 64, device=DEVICE)
        with torch.no_grad():
            result, expected = graphs(images), eager(images)
        # smaller batches are padded, and other kernels may serve them
        tolerance = 0 if count in (2, 4) else 1e-5
        torch.testing.assert_close(result, expected, rtol=tolerance, atol=tolerance)


def test_new_weights_reach_a_captured_graph():
    eager, graphs = small().eval(), small(compile=GRAPHS).eval()
    images = torch.randn(2, 3, 64, 64, device=DEVICE)
    with torch.no_grad():
        before = graphs(images).clone()
        for model in (eager, graphs):
            model.load_state_dict(
                {k: v * 1.5 for k, v in model.state_dict().items() if 'num' not in k},
                strict=False,
            )
        result, expected = graphs(images), eager(images)
    assert not torch.allclose(result, before)
    torch.testing.assert_close(result, expected, rtol=0, atol=0)
