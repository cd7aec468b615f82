import pytest
import torch
from mmengine.runner import save_checkpoint

from mmqcs.models import IRNet

TINY = dict(depth=(1, 2), base_channels=8, out_indices=(0, 1))


def published_keys(state, flat=False, prefix=''):
    """Our tiny weights under the names of a published file."""
    renamed = {}
    for key, value in state.items():
        name = key.replace('stem.', 'input_layer.')
        name = name.replace('.residual.', '.res_layer.')
        name = name.replace('.shortcut.', '.shortcut_layer.')
        for stage, first in ((0, 0), (1, 1)):
            for block in range(2):
                ours = f'stages.{stage}.{block}.'
                theirs = f'body{stage + 1}.{block}.'
                name = name.replace(ours, f'body.{first + block}.' if flat else theirs)
        renamed[prefix + name] = value.clone()
    renamed[prefix + 'output_layer.0.weight'] = torch.ones(3)
    return renamed


def test_shapes_of_the_published_network():
    model = IRNet(50, input_size=112)
    shapes = [tuple(x.shape) for x in model(torch.rand(1, 3, 224, 224))]
    assert shapes == [(1, 64, 56, 56), (1, 128, 28, 28), (1, 256, 14, 14)]
    assert [len(stage) for stage in model.stages] == [3, 4, 14]


@pytest.mark.parametrize('depth', [10, 18, 34, 50, 100, 152])
def test_depths_and_stages(depth):
    model = IRNet(depth, base_channels=4, out_indices=(1, 3))
    shapes = [tuple(x.shape) for x in model(torch.rand(1, 3, 32, 32))]
    assert shapes == [(1, 8, 8, 8), (1, 32, 2, 2)]


def test_input_is_sampled_by_nearest_neighbour():
    model = IRNet(**TINY, input_size=16).eval()
    x = torch.rand(1, 3, 32, 32)
    half = IRNet(**TINY).eval()
    half.load_state_dict(model.state_dict())
    for a, b in zip(model(x), half(x[..., ::2, ::2]), strict=True):
        assert torch.equal(a, b)


def test_block_by_hand():
    """A block is its residual plus every second pixel of its input."""
    model = IRNet(**TINY).eval()
    block = model.stages[0][0]
    x = torch.rand(2, 8, 6, 6)
    bn1, conv1, prelu, conv2, bn2 = block.residual
    expected = bn2(conv2(prelu(conv1(bn1(x))))) + x[..., ::2, ::2]
    torch.testing.assert_close(block(x), expected)


def test_squeeze_and_excitation_gates_channels():
    model = IRNet(**TINY | {'base_channels': 16}, mode='ir_se').eval()
    gate = model.stages[0][0].residual[-1]
    x = torch.rand(2, 16, 4, 4)
    hidden = torch.relu(x.mean((2, 3)) @ gate.fc1.weight[:, :, 0, 0].T)
    weight = torch.sigmoid(hidden @ gate.fc2.weight[:, :, 0, 0].T)
    torch.testing.assert_close(gate(x), x * weight[:, :, None, None])


def test_frozen_stages_and_norm_eval():
    model = IRNet(**TINY, frozen_stages=1, norm_eval=True).train()
    trained = {n for n, p in model.named_parameters() if p.requires_grad}
    assert trained
    assert all(name.startswith('stages.1.') for name in trained)
    before = model.state_dict()
    before = {k: v.clone() for k, v in before.items()}
    sum(x.sum() for x in model(torch.rand(2, 3, 16, 16))).backward()
    assert all(torch.equal(v, before[k]) for k, v in model.state_dict().items())


def test_gradient_checkpointing_changes_nothing():
    plain = IRNet(**TINY).eval()
    saving = IRNet(**TINY, with_cp=True).eval()
    saving.load_state_dict(plain.state_dict())
    x = torch.rand(2, 3, 16, 16)
    for model in (plain, saving):
        sum(y.square().sum() for y in model(x)).backward()
    for a, b in zip(plain.parameters(), saving.parameters(), strict=True):
        torch.testing.assert_close(a.grad, b.grad)


@pytest.mark.parametrize('flat', [False, True])
@pytest.mark.parametrize('prefix', ['', 'module.'])
def test_published_weights_load_by_init_cfg(tmp_path, flat, prefix):
    source = IRNet(**TINY)
    for p in source.parameters():
        torch.nn.init.normal_(p)
    file = tmp_path / 'ir.pth'
    torch.save(published_keys(source.state_dict(), flat, prefix), file)
    model = IRNet(**TINY, init_cfg=dict(type='Pretrained', checkpoint=str(file)))
    model.init_weights()
    for (name, a), b in zip(
        source.state_dict().items(), model.state_dict().values(), strict=True
    ):
        assert torch.equal(a, b), name


def test_stages_that_are_not_built_are_dropped():
    source = IRNet(**TINY)
    model = IRNet(**TINY | {'out_indices': (0,)})
    result = model.load_state_dict(published_keys(source.state_dict()))
    assert not result.missing_keys
    assert not result.unexpected_keys


def test_own_checkpoint_loads_under_a_prefix(tmp_path):
    source, model = IRNet(**TINY), IRNet(**TINY)
    state = {f'backbone.{k}': v for k, v in source.state_dict().items()}
    save_checkpoint({'state_dict': state}, str(tmp_path / 'a.pth'))
    model.init_cfg = dict(
        type='Pretrained', checkpoint=str(tmp_path / 'a.pth'), prefix='backbone.'
    )
    model.init_weights()
    assert torch.equal(source.stem[0].weight, model.stem[0].weight)


def test_foreign_weights_are_refused():
    with pytest.raises(ValueError, match='not the weights of an IR-Net'):
        IRNet(**TINY).load_state_dict({'layer1.0.conv1.weight': torch.ones(1)})


def test_weights_of_a_deeper_network_are_refused():
    state = {'input_layer.0.weight': torch.ones(1), 'body.9.res_layer.0.weight': 0}
    with pytest.raises(ValueError, match=r'body\.9.* block 9 of a deeper IR-Net'):
        IRNet(**TINY).load_state_dict(state)


def test_optional_weights_load_or_warn(tmp_path, monkeypatch):
    messages = []
    monkeypatch.setattr(
        'mmqcs.models.weight_init.print_log', lambda text, **_: messages.append(text)
    )
    file = tmp_path / 'ir.pth'
    cfg = dict(type='mmqcs.OptionalPretrained', checkpoint=str(file))
    IRNet(**TINY, init_cfg=cfg).init_weights()
    assert f'{file} does not exist: IRNet starts from random weights' in messages[0]

    source = IRNet(**TINY)
    torch.save(published_keys(source.state_dict()), file)
    model = IRNet(**TINY, init_cfg=cfg)
    model.init_weights()
    assert torch.equal(source.stem[0].weight, model.stem[0].weight)
    assert len(messages) == 1


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (dict(depth=51), 'depth must be one of'),
        (dict(depth=(1, 0)), 'blocks of each stage'),
        (dict(mode='se'), "'ir', 'ir_se'"),
        (dict(out_indices=(4,)), 'stages 0 to 3'),
        (dict(out_indices=()), 'out_indices'),
        (dict(frozen_stages=5), 'frozen_stages'),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        IRNet(**arguments)
