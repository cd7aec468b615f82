"""Weights under the names of other projects: loaded fully, or refused."""

import re

import pytest
import torch
import torch.nn.functional as F

from mmqcs.models import IRNet

DEPTH, BASE = (1, 2), 16
STAGES = ('body', 'layer')


def norm(state, key, channels):
    state[f'{key}.weight'] = torch.rand(channels) + 0.5
    state[f'{key}.bias'] = torch.randn(channels)
    state[f'{key}.running_mean'] = torch.randn(channels)
    state[f'{key}.running_var'] = torch.rand(channels) + 0.5


def conv(state, key, inputs, outputs, size=3):
    state[f'{key}.weight'] = torch.randn(outputs, inputs, size, size) / 8


def blocks():
    """Stage, number in the stage, number in all, input and output channels."""
    channels, total = BASE, 0
    for stage, count in enumerate(DEPTH):
        for number in range(count):
            yield stage, number, total, channels, BASE * 2**stage
            channels, total = BASE * 2**stage, total + 1


def adaface_file(squeeze=False, inner=True):
    """Names of AdaFace, CVLFace and TFace; without `inner` those of face.evoLVe."""
    state = {}
    conv(state, 'input_layer.0', 3, BASE)
    norm(state, 'input_layer.1', BASE)
    state['input_layer.2.weight'] = torch.rand(BASE)
    for _, _, total, inputs, outputs in blocks():
        key = f'body.{total}.res_layer.'
        norm(state, f'{key}0', inputs)
        conv(state, f'{key}1', inputs, outputs)
        if inner:
            norm(state, f'{key}2', outputs)
        state[f'{key}{2 + inner}.weight'] = torch.rand(outputs)
        conv(state, f'{key}{3 + inner}', outputs, outputs)
        norm(state, f'{key}{4 + inner}', outputs)
        if squeeze:
            conv(state, f'{key}{5 + inner}.fc1', outputs, outputs // 16, 1)
            conv(state, f'{key}{5 + inner}.fc2', outputs // 16, outputs, 1)
        if inputs != outputs:
            shortcut = f'body.{total}.shortcut_layer.'
            conv(state, f'{shortcut}0', inputs, outputs, 1)
            norm(state, f'{shortcut}1', outputs)
    state['output_layer.0.weight'] = torch.rand(3)
    return state


def insightface_file():
    state = {}
    conv(state, 'conv1', 3, BASE)
    norm(state, 'bn1', BASE)
    state['prelu.weight'] = torch.rand(BASE)
    for stage, number, _, inputs, outputs in blocks():
        key = f'layer{stage + 1}.{number}.'
        norm(state, f'{key}bn1', inputs)
        conv(state, f'{key}conv1', inputs, outputs)
        norm(state, f'{key}bn2', outputs)
        state[f'{key}prelu.weight'] = torch.rand(outputs)
        conv(state, f'{key}conv2', outputs, outputs)
        norm(state, f'{key}bn3', outputs)
        if number == 0:
            conv(state, f'{key}downsample.0', inputs, outputs, 1)
            norm(state, f'{key}downsample.1', outputs)
    norm(state, 'bn2', 32)
    state['fc.weight'] = torch.rand(8, 8)
    norm(state, 'features', 8)
    return state


def compute(state, x):
    """The network of a file of InsightFace, straight from its tensors."""

    def bn(x, key):
        names = ('running_mean', 'running_var', 'weight', 'bias')
        return F.batch_norm(x, *(state[f'{key}.{name}'] for name in names))

    def convolve(x, key, stride=1, padding=1):
        return F.conv2d(x, state[f'{key}.weight'], None, stride, padding)

    x = F.prelu(bn(convolve(x, 'conv1'), 'bn1'), state['prelu.weight'])
    for stage, number, *_ in blocks():
        key, stride = f'layer{stage + 1}.{number}.', 1 if number else 2
        y = bn(convolve(bn(x, f'{key}bn1'), f'{key}conv1'), f'{key}bn2')
        y = convolve(F.prelu(y, state[f'{key}prelu.weight']), f'{key}conv2', stride)
        if number == 0:
            x = convolve(x, f'{key}downsample.0', 2, 0)
            x = bn(x, f'{key}downsample.1')
        x = bn(y, f'{key}bn3') + x
    return x


def build(file, **settings):
    weights = dict(type='Pretrained', checkpoint=str(file))
    return IRNet(
        DEPTH, base_channels=BASE, out_indices=(0, 1), init_cfg=weights, **settings
    )


FILES = {
    'evolve': lambda: adaface_file(inner=False),
    'evolve se': lambda: adaface_file(squeeze=True, inner=False),
    'adaface': adaface_file,
    'adaface se': lambda: adaface_file(squeeze=True),
    'insightface': insightface_file,
}


def settings_of(name):
    variant, _, squeeze = name.partition(' ')
    return dict(variant=variant, mode='ir_se' if squeeze else 'ir')


@pytest.mark.parametrize('wrap', ['', 'model.', 'module.', 'net.'])
@pytest.mark.parametrize('name', FILES)
def test_every_weight_is_loaded(tmp_path, name, wrap):
    state = FILES[name]()
    head = {'head.kernel': torch.rand(2, 2)} if wrap else {}
    content = {wrap + key: value for key, value in state.items()} | head
    torch.save({'state_dict': content}, tmp_path / 'a.pth')
    net = build(tmp_path / 'a.pth', **settings_of(name))
    net.init_weights()
    loaded = sorted(
        (tuple(v.shape), v.double().sum().item())
        for k, v in net.state_dict().items()
        if 'num_batches' not in k
    )
    kept = {
        k: v
        for k, v in state.items()
        if not re.match(r'(output_layer|bn2|fc|features)\.', k)
    }
    given = sorted((tuple(v.shape), v.double().sum().item()) for v in kept.values())
    assert loaded == given


def test_insightface_by_hand(tmp_path):
    state = insightface_file()
    torch.save(state, tmp_path / 'a.pth')
    net = build(tmp_path / 'a.pth', variant='insightface').eval()
    net.init_weights()
    x = torch.randn(2, 3, 16, 16)
    torch.testing.assert_close(net(x)[-1], compute(state, x), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize('built', FILES)
@pytest.mark.parametrize('name', FILES)
def test_another_network_refuses_them_and_advises(tmp_path, name, built):
    if built == name:
        return
    torch.save(FILES[name](), tmp_path / 'a.pth')
    variant, mode = settings_of(name).values()
    advice = f'variant={variant!r}, mode={mode!r}$'
    with pytest.raises(ValueError, match=advice):
        build(tmp_path / 'a.pth', **settings_of(built)).init_weights()


def test_a_weight_of_another_shape_or_a_missing_one_is_named(tmp_path):
    state = adaface_file()
    state['body.1.res_layer.1.weight'] = torch.rand(4, 4, 3, 3)
    del state['body.2.res_layer.0.bias']
    torch.save(state, tmp_path / 'a.pth')
    with pytest.raises(ValueError, match=r'stages\.1\.1\.residual\.0\.bias is missing'):
        build(tmp_path / 'a.pth', variant='adaface').init_weights()
    state['body.2.res_layer.0.bias'] = torch.rand(32)
    torch.save(state, tmp_path / 'a.pth')
    with pytest.raises(ValueError, match=r'stages\.1\.0\.residual\.1\.weight is \(4'):
        build(tmp_path / 'a.pth', variant='adaface').init_weights()


def test_unknown_variant():
    with pytest.raises(ValueError, match=r"insightface.*got 'arcface'"):
        IRNet(10, variant='arcface')
