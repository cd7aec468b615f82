import hashlib

import numpy as np
import pytest
import torch
from conftest import ROOT
from mmengine import Config
from mmengine.hooks import EMAHook
from mmpretrain.registry import MODELS

from mmqcs.checkpoints import load_classifier
from mmqcs.checkpoints.publish import save_with_hash, strip_checkpoint
from mmqcs.checkpoints.safe_load import allow_mmengine_objects

SMALL = ROOT / 'configs/qcs/qcs_ir-small_synthfer.py'


@pytest.fixture(scope='module')
def config():
    return Config.fromfile(SMALL)


@pytest.fixture
def model(config):
    model = MODELS.build(config.model)
    for value in model.state_dict().values():
        if value.is_floating_point():
            value.uniform_(0.01, 0.1)
    return model.eval()


def checkpoint_of(model):
    return {
        'meta': {'epoch': 3, 'dataset_meta': {'classes': ('a', 'b')}, 'hook_msgs': {}},
        'state_dict': model.state_dict(),
        'optimizer': {'state': {}},
        'message_hub': object(),
    }


def test_a_published_file_is_a_classifier(config, model, tmp_path):
    checkpoint = checkpoint_of(model)
    checkpoint['meta'] |= {'cfg': config.pretty_text, 'dataset_meta': {}}
    path = save_with_hash(strip_checkpoint(checkpoint), tmp_path / 'out' / 'qcs.pth')
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert path.name == f'qcs-{digest[:8]}.pth'
    assert [p.name for p in path.parent.iterdir()] == [path.name]

    loaded = torch.load(path, weights_only=True)
    assert loaded.keys() == {'meta', 'state_dict'}
    assert loaded['meta'].keys() == {'epoch', 'dataset_meta', 'cfg'}
    plain = load_classifier(path, device='cpu').model
    images = torch.rand(2, 3, 64, 64)
    assert torch.equal(plain(images), model(images))
    inputs = {'inputs': images * 255}
    prepared = [x.data_preprocessor(dict(inputs))['inputs'] for x in (plain, model)]
    assert torch.equal(*prepared)


def test_cross_branch_is_kept_on_demand(model):
    state = strip_checkpoint(checkpoint_of(model))['state_dict']
    assert {key.split('.')[0] for key in state} == {'backbone', 'neck', 'head'}
    kept = strip_checkpoint(checkpoint_of(model), keep_cross=True)['state_dict']
    assert kept.keys() == model.state_dict().keys()


def test_averaged_weights_are_what_remains():
    """MMEngine's hook puts the averaged weights into state_dict when it saves."""
    source = torch.nn.Linear(1, 1)
    hook = EMAHook()
    runner = type('Runner', (), {'model': source})()
    hook.before_run(runner)
    torch.nn.init.constant_(source.weight, 2.0)
    torch.nn.init.constant_(hook.ema_model.module.weight, 3.0)
    saved = {'state_dict': dict(source.state_dict())}
    hook.before_save_checkpoint(runner, saved)
    published = strip_checkpoint(saved)
    assert published.keys() == {'meta', 'state_dict'}
    assert published['state_dict']['weight'].item() == 3.0


@pytest.mark.parametrize(
    ('checkpoint', 'message'),
    [
        ({'state_dict': {'a': 1}}, 'no state_dict of tensors'),
        ([1], 'a list, not weights'),
        ({'meta': {}}, 'no state_dict of tensors'),
        ({'meta': 'x', 'state_dict': {'a': torch.zeros(1)}}, 'meta is a str'),
        ({'state_dict': {'cross.a': torch.zeros(1)}}, 'at test time'),
    ],
)
def test_checkpoints_without_weights(checkpoint, message):
    with pytest.raises(ValueError, match=message):
        strip_checkpoint(checkpoint)


def test_what_others_could_not_load(tmp_path):
    with pytest.raises(ValueError, match='must end in .pth'):
        save_with_hash({}, tmp_path / 'a.bin')
    for foreign in (np.ones(2), lambda: None):
        with pytest.raises(ValueError, match='more than numbers'):
            save_with_hash({'meta': foreign}, tmp_path / 'a.pth')
    assert not list(tmp_path.iterdir())


def test_what_this_process_allows_others_do_not(tmp_path):
    allow_mmengine_objects()
    allowed = torch.serialization.get_safe_globals()
    with pytest.raises(ValueError, match='more than numbers'):
        save_with_hash({'meta': np.ones(2)}, tmp_path / 'a.pth')
    assert set(torch.serialization.get_safe_globals()) == set(allowed)
