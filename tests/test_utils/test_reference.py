import pytest
import torch
from reference_case import weights

from mmqcs.utils import convert_reference_state_dict
from mmqcs.utils.reference import reference_key


@pytest.fixture(scope='module')
def published():
    return dict.fromkeys(weights('qcs_raf_keys.json'), torch.zeros(1))


def test_prefix_and_new_pyramid_names_change_nothing(published):
    old = convert_reference_state_dict(published)
    renamed = {}
    for key, value in published.items():
        for a, b in (
            ('embed_q', 'embed_1'),
            ('embed_k', 'embed_2'),
            ('embed_v', 'embed_3'),
        ):
            key = key.replace(a, b)
        renamed[f'module.{key}'] = value
    new = convert_reference_state_dict(renamed)
    assert new.state_dict.keys() == old.state_dict.keys()
    assert len(new.dropped) == len(old.dropped) == 34


def test_what_is_dropped_and_missing(published):
    partial = {k: v for k, v in published.items() if 'VIT_cross.norm' not in k}
    keys = convert_reference_state_dict(published).state_dict
    result = convert_reference_state_dict(partial, keys)
    assert result.missing == ['cross.encoder.norm.bias', 'cross.encoder.norm.weight']
    assert 'ir_back.output_layer.0.weight' in result.dropped
    assert reference_key('module.VIT_base.CON1.weight') is None


def test_unknown_keys_are_errors(published):
    with pytest.raises(ValueError, match=r'1 keys .*VIT_base\.extra'):
        convert_reference_state_dict(published | {'VIT_base.extra': torch.ones(1)})
    with pytest.raises(ValueError, match='keys are not of the published model'):
        convert_reference_state_dict(published, ['neck.encoder.cls_token'])
    twice = published | {'module.conv1.bias': torch.ones(1)}
    with pytest.raises(ValueError, match='another key of the file both mean'):
        convert_reference_state_dict(twice)
