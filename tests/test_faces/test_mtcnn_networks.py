"""The networks of MTCNN against a brute-force reference on the arrays of the file."""

from importlib.util import find_spec
from pathlib import Path

import joblib
import numpy as np
import pytest
import torch

from mmqcs.faces import mtcnn_networks
from mmqcs.faces.mtcnn_networks import load_networks, normalise

FOLDER = Path(find_spec('mtcnn').submodule_search_locations[0]) / 'assets/weights'
RNG = np.random.default_rng(0)
SIZES = {'pnet': 12, 'rnet': 24, 'onet': 48}
POOLS = {'pnet': (2, 0, 0), 'rnet': (3, 3, 0), 'onet': (3, 3, 2, 0)}
OUTPUTS = {'pnet': ('boxes', 'faces'), 'rnet': ('boxes', 'faces')}
OUTPUTS['onet'] = ('boxes', 'points', 'faces')


def convolve(x, kernel, bias):
    """Channels last, in float64, one output pixel at a time."""
    size = kernel.shape[0]
    out = np.empty((x.shape[0] - size + 1, x.shape[1] - size + 1, kernel.shape[3]))
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            part = x[i : i + size, j : j + size, :, None]
            out[i, j] = (part * kernel).sum((0, 1, 2)) + bias
    return out


def pool(x, size):
    """Every second pixel; windows at the edge may be incomplete, not empty."""
    rows, columns = (-(-(side - size) // 2) + 1 for side in x.shape[:2])
    return np.array(
        [
            [
                x[2 * i : 2 * i + size, 2 * j : 2 * j + size].max((0, 1))
                for j in range(columns)
            ]
            for i in range(rows)
        ]
    )


def prelu(x, slope):
    return np.where(x > 0, x, x * slope)


def reference(name, image):
    """Outputs of a network for one image, (size, size, 3), by name."""
    arrays = iter([x.astype(float) for x in joblib.load(FOLDER / f'{name}.lz4')])
    x = image
    for size in POOLS[name]:
        x = prelu(convolve(x, next(arrays), next(arrays)), next(arrays))
        x = pool(x, size) if size else x
    # the dense layers were made for maps that are flattened x first
    x = x.transpose(1, 0, 2).ravel()
    if name != 'pnet':
        x = prelu(x @ next(arrays) + next(arrays), next(arrays))
    found = {}
    for output in OUTPUTS[name]:
        kernel, bias = next(arrays), next(arrays)
        found[output] = x @ kernel.reshape(x.size, -1) + bias
    assert not list(arrays)
    odds = np.exp(found['faces'] - found['faces'].max())
    found['faces'] = odds[1] / odds.sum()
    return found


@pytest.mark.parametrize(
    ('name', 'network'), list(zip(SIZES, load_networks(), strict=True))
)
def test_a_network_against_brute_force(name, network):
    size = SIZES[name]
    image = RNG.integers(0, 256, (size, size, 3)).astype(float)
    expected = reference(name, (image - 127.5) / 128)
    tensor = torch.tensor(image, dtype=torch.float32).permute(2, 0, 1)[None]
    outputs = network(normalise(tensor))
    np.testing.assert_allclose(outputs[0].flatten(), expected['boxes'], atol=1e-5)
    np.testing.assert_allclose(outputs[1].flatten(), expected['faces'], atol=1e-5)
    if name == 'onet':
        x, y = expected['points'].reshape(2, 5)
        np.testing.assert_allclose(outputs[2][0], np.stack([x, y], 1), atol=1e-5)


def test_the_proposal_network_sees_every_second_window():
    """A whole image gives what its windows give one by one."""
    network = load_networks()[0]
    image = torch.tensor(RNG.uniform(-1, 1, (1, 3, 24, 30)), dtype=torch.float32)
    boxes, faces = network(image)
    assert boxes.shape == (1, 4, 7, 10)
    for row in range(7):
        for column in range(10):
            window = image[:, :, 2 * row : 2 * row + 12, 2 * column : 2 * column + 12]
            offsets, score = network(window)
            torch.testing.assert_close(offsets[0, :, 0, 0], boxes[0, :, row, column])
            torch.testing.assert_close(score[0, 0, 0], faces[0, row, column])


def test_without_the_package(monkeypatch):
    monkeypatch.setattr(mtcnn_networks, 'find_spec', lambda name: None)
    with pytest.raises(ImportError, match='pip install mtcnn'):
        load_networks()


@pytest.mark.parametrize('damage', ['missing', 'empty', 'shape', 'count'])
def test_other_weights(monkeypatch, tmp_path, damage):
    folder = tmp_path / 'assets/weights'
    folder.mkdir(parents=True)
    for name in SIZES:
        arrays = joblib.load(FOLDER / f'{name}.lz4')
        if name == 'rnet' and damage == 'shape':
            arrays[1] = arrays[1][:-1]
        if name == 'rnet' and damage == 'count':
            arrays.pop()
        if name != 'rnet' or damage in ('shape', 'count'):
            joblib.dump(arrays, folder / f'{name}.lz4', compress='lz4')
        elif damage == 'empty':
            (folder / 'rnet.lz4').write_bytes(b'')

    class Spec:
        submodule_search_locations = (str(tmp_path),)

    monkeypatch.setattr(mtcnn_networks, 'find_spec', lambda name: Spec)
    with pytest.raises(ImportError, match=r'rnet\.lz4.*pip install mtcnn==1\.0\.0'):
        load_networks()
