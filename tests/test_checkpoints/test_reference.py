import pytest
import torch
from published_case import new_names, published_state

from mmqcs.checkpoints.reference.keys import (
    convert_reference_state_dict,
    reference_key,
    reference_kind,
)


@pytest.fixture(scope='module')
def published():
    return published_state(prefix='')


def test_prefix_and_new_pyramid_names_change_nothing(published):
    old = convert_reference_state_dict(published)
    new = convert_reference_state_dict(new_names(published_state()))
    assert new.state_dict.keys() == old.state_dict.keys()
    assert len(new.dropped) == len(old.dropped) == 34
    assert new.missing == old.missing == []


@pytest.mark.parametrize('group', ['quadruplet', 'pair'])
@pytest.mark.parametrize('classes', [7, 8])
def test_kind_is_read_off_the_weights(group, classes):
    state = published_state(group, classes)
    assert reference_kind(state) == (group, classes)
    result = convert_reference_state_dict(state)
    assert not result.missing
    theta = [key for key in result.state_dict if key.endswith('.theta')]
    assert len(theta) == (3 if group == 'quadruplet' else 0)
    assert result.state_dict['head.fc.weight'].shape == (classes, 768)


def test_what_is_dropped_and_missing(published):
    partial = {k: v for k, v in published.items() if 'VIT_cross.norm' not in k}
    expected = ['cross.encoder.norm.bias', 'cross.encoder.norm.weight']
    keys = convert_reference_state_dict(published).state_dict
    for model_keys in (None, list(keys), keys):
        result = convert_reference_state_dict(partial, model_keys)
        assert result.missing == expected
    assert 'ir_back.output_layer.0.weight' in result.dropped
    assert reference_key('module.VIT_base.CON1.weight') is None
    partial.pop('cross_attention_2.theta')
    missing = convert_reference_state_dict(partial).missing
    assert missing == ['cross.attention.levels.1.theta', *expected]


def test_unknown_keys_are_errors(published):
    with pytest.raises(ValueError, match=r'1 keys .*VIT_base\.extra'):
        convert_reference_state_dict(published | {'VIT_base.extra': torch.ones(1)})
    with pytest.raises(ValueError, match='394 keys .*VIT_base.pos_embed'):
        convert_reference_state_dict(published, ['neck.encoder.cls_token'])
    with pytest.raises(ValueError, match=r'12 keys .*VIT_base\.blocks\.2\.'):
        blocks = [k for k in published if k.startswith('VIT_base.blocks.1.')]
        used = [k for k in blocks if '.conv.' not in k]
        deeper = {k.replace('.1.', '.2.'): published[k] for k in used}
        convert_reference_state_dict(published | deeper)


def test_two_names_of_one_weight(published):
    twice = published | {'module.conv1.bias': torch.ones(64)}
    with pytest.raises(ValueError, match='both mean'):
        convert_reference_state_dict(twice)
    twice = published | {'embed_1.0.bias': published['embed_q.0.bias']}
    with pytest.raises(ValueError, match='both mean'):
        convert_reference_state_dict(twice)


def test_shapes_are_checked(published):
    wrong = published | {'conv1.bias': torch.zeros(65)}
    message = r'conv1\.bias .*shape \(65,\), expected \(64,\)'
    with pytest.raises(ValueError, match=message):
        convert_reference_state_dict(wrong)
    with pytest.raises(ValueError, match=message):
        convert_reference_state_dict(wrong, convert_reference_state_dict(published)[0])
    eight = convert_reference_state_dict(published_state(classes=8)).state_dict
    message = (
        r'head\.linear.*\(7, 768\), expected \(8, 768\): another number of classes'
    )
    with pytest.raises(ValueError, match=message):
        convert_reference_state_dict(published, eight)
    heads = {'VIT_cross.head.linear.bias': torch.zeros(8)}
    with pytest.raises(ValueError, match='7 and 8 classes'):
        convert_reference_state_dict(published | heads)


def test_what_is_no_tensor(published):
    with pytest.raises(ValueError, match=r'conv1\.bias.* float'):
        convert_reference_state_dict(published | {'conv1.bias': 1.0})
    with pytest.raises(ValueError, match='1 keys .* 3'):
        convert_reference_state_dict(published | {3: torch.ones(1)})
