"""Weights are found under the names that programs use, and are finite numbers."""

import zipfile

import numpy as np
import pytest
import torch
from torch import nn

from mmqcs.checkpoints import check_fit, check_tensors, checkpoint_classes, find_weights
from mmqcs.checkpoints.safe_load import CheckpointError, read_checkpoint
from mmqcs.checkpoints.weights import load_inference_weights


def net():
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4))


WRAPPED = {
    'bare': lambda state: state,
    'mmengine': lambda state: {'state_dict': state, 'meta': {}},
    'model': lambda state: {'model': state, 'epoch': 3},
    'net': lambda state: {'net': state, 'acc': 97.0},
    'model_state_dict': lambda state: {'model_state_dict': state, 'optimizer': {}},
}


@pytest.mark.parametrize(
    'prefix', ['', 'module.', 'model.', '_orig_mod.', 'module._orig_mod.']
)
@pytest.mark.parametrize('wrap', WRAPPED)
def test_weights_are_loaded_whatever_wraps_them(wrap, prefix):
    source, target = net(), net()
    state = {prefix + key: value for key, value in source.state_dict().items()}
    load_inference_weights(target, WRAPPED[wrap](state), 'a.pth')
    for a, b in zip(source.parameters(), target.parameters(), strict=True):
        assert torch.equal(a, b)


def test_a_prefix_of_the_model_itself_stays():
    """Some classifiers keep their network as `model`."""
    model = nn.ModuleDict({'model': net()})
    state = model.state_dict()
    assert list(find_weights(state, 'a.pth', state)) == list(state)
    compiled = {f'_orig_mod.{key}': value for key, value in state.items()}
    assert list(find_weights(compiled, 'a.pth', state)) == list(state)


def test_a_prefix_that_some_keys_lack_stays():
    state = {'module.a': torch.ones(1), 'b': torch.ones(1)}
    assert set(find_weights(state, 'a.pth')) == {'module.a', 'b'}


@pytest.mark.parametrize(
    ('content', 'fact'),
    [
        (None, 'NoneType'),
        ([torch.ones(1)], 'list'),
        ('text', 'str'),
        ({}, 'empty'),
        ({'state_dict': {}}, 'empty'),
        ({'state_dict': None}, 'state_dict'),
        ({'state_dict': [torch.ones(1)]}, 'state_dict'),
        ({0: torch.ones(1)}, '0 is a Tensor'),
        ({'a': 3.0}, "'a' is a float"),
        ({'state_dict': {'a': {'b': torch.ones(1)}}}, "'a' is a dict"),
    ],
)
def test_what_holds_no_weights_is_named(content, fact):
    with pytest.raises(CheckpointError, match=rf'a\.pth .*{fact}'):
        find_weights(content, 'a.pth')


@pytest.mark.filterwarnings('ignore:torch.quantize')
@pytest.mark.parametrize(
    'spoil',
    [
        lambda w: w.fill_(float('nan')),
        lambda w: w.index_fill_(0, torch.tensor([1]), float('inf')),
        lambda w: w.index_fill_(0, torch.tensor([1]), -float('inf')),
        lambda w: w.to(torch.int8),
        lambda w: w.to(torch.int64),
        lambda w: w.to(torch.bool),
        lambda w: w.to(torch.complex64),
        lambda w: w.to('meta'),
        lambda w: w.to_sparse(),
        lambda w: torch.quantize_per_tensor(w, 0.1, 0, torch.qint8),
        lambda w: (w * float('nan')).half(),
        lambda w: (w * float('nan')).to(torch.float8_e4m3fn),
    ],
    ids=lambda _: '',
)
def test_only_finite_floating_point_weights_are_loaded(spoil):
    source, target = net(), net()
    before = {k: v.clone() for k, v in target.state_dict().items()}
    state = source.state_dict()
    state['0.weight'] = spoil(state['0.weight'].clone())
    with pytest.raises(CheckpointError, match=r'a\.pth.*0\.weight'):
        load_inference_weights(target, state, 'a.pth')
    assert all(torch.equal(v, before[k]) for k, v in target.state_dict().items())


def test_counters_must_be_integers_and_half_precision_is_fine():
    state = net().state_dict()
    check_fit({**state, '0.weight': state['0.weight'].half()}, state, 'a.pth')
    check_tensors({'a': torch.ones(2).to(torch.float8_e4m3fn)}, 'a.pth')
    wrong = {**state, '1.num_batches_tracked': torch.tensor(3.0)}
    with pytest.raises(CheckpointError, match=r'num_batches_tracked is torch\.float32'):
        check_fit(wrong, state, 'a.pth')


@pytest.mark.parametrize(
    'meta',
    [
        {'dataset_meta': {'classes': 'abc'}},
        {'dataset_meta': {'classes': [1, 2]}},
        {'dataset_meta': {'classes': 3}},
        {'dataset_meta': {'classes': ('a', 'a')}},
        {'dataset_meta': {'classes': {'a': 1}}},
        {'dataset_meta': ['a', 'b', 3]},
    ],
)
def test_classes_are_a_list_of_distinct_names(meta):
    with pytest.raises(CheckpointError, match=r'a\.pth.*classes'):
        checkpoint_classes(meta, 'a.pth')


def test_no_classes():
    assert checkpoint_classes({}, 'a.pth') is None
    assert checkpoint_classes({'dataset_meta': {}}, 'a.pth') is None
    assert checkpoint_classes({'dataset_meta': {'classes': ['a', 'b']}}, 'a.pth') == (
        'a',
        'b',
    )


def test_each_flipped_bit_of_a_record_is_found(tmp_path):
    """Wherever it is: in weights, in the pickle, in the version."""
    path = tmp_path / 'a.pth'
    torch.save({'state_dict': net().state_dict(), 'meta': {'epoch': 3}}, path)
    good = path.read_bytes()
    read_checkpoint(path)
    rng = np.random.default_rng(0)
    with zipfile.ZipFile(path) as archive:
        records = archive.infolist()
    for record in records:
        # name and extra field of the local header come before the data
        start = record.header_offset + 30
        sizes = np.frombuffer(good[start - 4 : start], '<u2')
        start += int(sizes.sum())
        for place in rng.integers(0, record.file_size, 3) if record.file_size else ():
            damaged = bytearray(good)
            damaged[start + place] ^= 1 << rng.integers(8)
            path.write_bytes(damaged)
            with pytest.raises(CheckpointError, match=r'a\.pth is damaged: .*checksum'):
                read_checkpoint(path)


def test_a_file_cut_off_anywhere_is_refused(tmp_path):
    path = tmp_path / 'a.pth'
    torch.save(net().state_dict(), path)
    good = path.read_bytes()
    for size in range(0, len(good), 97):
        path.write_bytes(good[:size])
        with pytest.raises(CheckpointError, match=r'a\.pth'):
            read_checkpoint(path)
