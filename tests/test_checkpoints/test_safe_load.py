import builtins
import os
import pickle
import zipfile
from collections import OrderedDict, defaultdict

import numpy as np
import pytest
import torch
from mmengine.logging import HistoryBuffer
from published_case import Bomb, published_state, write_published

from mmqcs.checkpoints.safe_load import (
    CheckpointError,
    ForeignObjectError,
    StandIn,
    load_weights_only,
    read_checkpoint,
)

ZIP = {'_use_new_zipfile_serialization': True}
LEGACY = {'_use_new_zipfile_serialization': False}
# Objects that safe_load does not allow by default: a class of
# the published code, or of a number of numpy, whose bytes come first in old torch
FOREIGN = r'more than weights: \S*(Rec|scalar|_codecs.encode)'


@pytest.mark.parametrize('save', [ZIP, LEGACY], ids=['zip', 'legacy'])
@pytest.mark.parametrize(
    'best', [92.5, np.float64(92.5), np.float32(92.5), torch.tensor(92.5)], ids=repr
)
def test_unknown_classes_become_stand_ins(tmp_path, save, best):
    state = OrderedDict(
        a=torch.arange(6.0).view(2, 3).T, b=torch.nn.Parameter(torch.ones(2))
    )
    path = write_published(tmp_path / 'a.pth', state, best, **save)
    with pytest.raises(ForeignObjectError, match=FOREIGN):
        load_weights_only(path)
    read = read_checkpoint(path)
    assert (read['epoch'], float(read['best_acc'])) == (143, 92.5)
    assert isinstance(read['recorder'], StandIn)
    assert not vars(read['recorder'])
    assert read['recorder'].wanted == '__main__.RecorderMeter'
    for key, value in state.items():
        torch.testing.assert_close(read['state_dict'][key], value.detach())
    assert read['optimizer']['state'][0]['step'] == 3


def test_containers_and_half_precision_survive(tmp_path):
    values = {
        'set': {1, 2},
        'default': defaultdict(list, a=[1]),
        'bytes': b'\xff\0',
        'half': torch.ones(3, dtype=torch.bfloat16),
        'size': torch.Size([2, 3]),
        'dtype': torch.float32,
    }
    expected = dict(values)
    path = write_published(tmp_path / 'a.pth', values)
    read = read_checkpoint(path)['state_dict']
    for key in ('set', 'default', 'bytes', 'size'):
        assert read[key] == expected[key]
    assert torch.equal(read['half'], expected['half'])


def test_forced_weights_only_does_not_stop_the_safe_reader(tmp_path, monkeypatch):
    monkeypatch.setenv('TORCH_FORCE_WEIGHTS_ONLY_LOAD', '1')
    path = write_published(tmp_path / 'a.pth', {})
    assert read_checkpoint(path)['epoch'] == 143
    assert os.environ['TORCH_FORCE_WEIGHTS_ONLY_LOAD'] == '1'


def touch(path):
    open(path, 'w').close()


BOMBS = {
    'os.system': lambda mark: Bomb(os.system, f'touch {mark}'),
    'eval': lambda mark: Bomb(eval, f'open({str(mark)!r}, "w")'),
    'nested': lambda mark: [{'a': (Bomb(exec, f'open({str(mark)!r}, "w")'),)}],
    'open': lambda mark: Bomb(open, str(mark), 'w'),
    'own function': lambda mark: Bomb(touch, str(mark)),
    'import': lambda mark: Bomb(builtins.__import__, 'antigravity'),
}


@pytest.mark.parametrize('save', [ZIP, LEGACY], ids=['zip', 'legacy'])
@pytest.mark.parametrize('name', BOMBS)
def test_bombs_are_refused(tmp_path, save, name):
    mark = tmp_path / 'mark'
    content = {'state_dict': {}, 'extra': BOMBS[name](mark)}
    torch.save(content, tmp_path / 'bomb.pth', **save)
    with pytest.raises(CheckpointError, match='it asks to call') as error:
        read_checkpoint(tmp_path / 'bomb.pth')
    assert '\n' not in str(error.value)
    assert not mark.exists()


def written(tmp_path, pickled: bytes):
    """A checkpoint whose pickle is given byte by byte."""
    path = tmp_path / 'crafted.pth'
    torch.save({}, path)
    with zipfile.ZipFile(path) as archive:
        records = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, 'w') as archive:
        for name, content in records.items():
            archive.writestr(name, pickled if name.endswith('data.pkl') else content)
    return path


def test_the_refused_call_is_named(tmp_path):
    path = tmp_path / 'bomb.pth'
    torch.save(Bomb(os.system, 'true'), path)
    with pytest.raises(CheckpointError, match=r'asks to call (posix|nt)\.system\. '):
        read_checkpoint(path)


CRAFTED = {
    # os.system through getattr, in several spellings
    'getattr': b'\x80\x02c__builtin__\ngetattr\ncos\nposix\nX\x06\0\0\0system\x86R'
    b'X\x04\0\0\0true\x85R.',
    'dotted': b'\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x04true\x85R.',
    'inst': b"(S'true'\nios\nsystem\n.",
    'obj': b"(cos\nsystem\nS'true'\no.",
    'reconstructor': b'ccopy_reg\n_reconstructor\n(cos\nsystem\nc__builtin__\nobject\n'
    b"NtR(S'true'\ntR.",
    # changes to what is allowed
    'build a function': b"ctorch._utils\n_rebuild_tensor_v2\n(dS'x'\nI1\nsb.",
    'build a class': b"ccollections\nOrderedDict\n(N(dS'x'\nI1\nstb.",
    # things outside of the file
    'module': b"((S'module'\ncollections\nOrderedDict\nS'a'\nS'b'\ntQ.",
    'odd storage': b"((S'storage'\ncos\nsystem\nS'0'\nS'cpu'\nI4\ntQ.",
    'huge storage': b"((S'storage'\nctorch\nFloatStorage\nS'0'\nS'cpu'\n"
    b'I1000000000000000\ntQ.',
    # sizes
    'huge string': b'\x80\x04\x8e' + (2**60).to_bytes(8, 'little') + b'x.',
    'endless': b'(' * 100_000,
    'extension': b'\x80\x02\x82\x01.',
    'no end': b'\x80\x02}',
    'memo': b'\x80\x02h\x05.',
}


@pytest.mark.parametrize('name', CRAFTED)
def test_crafted_pickles_end_in_one_line(tmp_path, name):
    with pytest.raises(CheckpointError) as error:
        read_checkpoint(written(tmp_path, CRAFTED[name]))
    assert '\n' not in str(error.value)
    assert not hasattr(OrderedDict, 'x')


def test_a_stand_in_cannot_be_changed_into_something_else(tmp_path):
    pickled = b'\x80\x02cdis\nBytecode\n}X\x06\0\0\0wantedK\x01sb.'
    with pytest.raises(CheckpointError, match='damaged'):
        read_checkpoint(written(tmp_path, pickled))


def test_deep_nesting_does_not_crash(tmp_path):
    read = read_checkpoint(
        written(tmp_path, b'\x80\x02' + b']' * 50_000 + b'a' * 49_999 + b'.')
    )
    assert isinstance(read, list)


def test_tensor_larger_than_its_data_is_refused(tmp_path):
    path = tmp_path / 'a.pth'
    write_published(path, {'a': torch.zeros(3)})
    with zipfile.ZipFile(path) as archive:
        (name,) = (n for n in archive.namelist() if n.endswith('data.pkl'))
        pickled = archive.read(name)
        records = {n: archive.read(n) for n in archive.namelist()}
    assert pickled.count(b'K\x03\x85') == 1  # the size, (3,)
    records[name] = pickled.replace(b'K\x03\x85', b'K\xc8\x85')
    with zipfile.ZipFile(path, 'w') as archive:
        for key, content in records.items():
            archive.writestr(key, content)
    with pytest.raises(CheckpointError, match='damaged.* resize storage'):
        read_checkpoint(path)


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        (b'', 'is empty'),
        (b'epoch,accuracy\n1,92.5\n', 'a text file'),
        (b'<!DOCTYPE html><html>', 'a web page'),
        (b'version https://git-lfs.github.com/spec/v1\n', 'Git LFS pointer'),
        (b'\x40\0\0\0\0\0\0\0{"a":{"dtype":"F32"}}', 'a safetensors file'),
        (b'\x89PNG\r\n\x1a\n\0\0\0\rIHDR', 'something else'),
        (pickle.dumps({'state_dict': {}}), 'damaged.*: Unsupported operand'),
        (b'PK\x03\x04 and then nothing', 'truncated'),
    ],
)
def test_other_files(tmp_path, content, message):
    path = tmp_path / 'a.pth'
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=message) as error:
        read_checkpoint(path)
    assert '\n' not in str(error.value)
    assert str(path) in str(error.value)


def test_missing_file_and_folder(tmp_path):
    for path in (tmp_path, tmp_path / 'missing.pth'):
        with pytest.raises(CheckpointError, match='is not a file'):
            read_checkpoint(path)


@pytest.mark.parametrize('save', [ZIP, LEGACY], ids=['zip', 'legacy'])
@pytest.mark.parametrize('part', [0.2, 0.6, 0.98])
def test_truncated_file(tmp_path, save, part):
    path = write_published(tmp_path / 'a.pth', published_state(), **save)
    content = path.read_bytes()
    path.write_bytes(content[: int(part * len(content))])
    with pytest.raises(CheckpointError, match='truncated|damaged') as error:
        read_checkpoint(path)
    assert '\n' not in str(error.value)


def test_other_archives(tmp_path):
    path = tmp_path / 'a.pth'
    with zipfile.ZipFile(path, 'w') as archive:
        archive.writestr('readme.txt', 'hello')
    with pytest.raises(CheckpointError, match='that torch.save did not write'):
        read_checkpoint(path)
    with zipfile.ZipFile(path, 'w', zipfile.ZIP_DEFLATED) as archive:
        archive.writestr('a/data.pkl', bytes(10**6))
    with pytest.raises(CheckpointError, match='compressed'):
        read_checkpoint(path)
    with zipfile.ZipFile(path, 'w') as archive:
        archive.writestr('a/data.pkl', b'N.')
        archive.writestr('a/constants.pkl', b'N.')
    with pytest.raises(CheckpointError, match='TorchScript'):
        read_checkpoint(path)


class Reach:
    """Asks for an attribute of one of MMEngine's own classes."""

    def __init__(self, name):
        self.name = name

    def __reduce__(self):
        return getattr, (HistoryBuffer, self.name)


@pytest.mark.skipif(
    torch.__version__ < (2, 6), reason='torch allows names for functions from 2.6 on'
)
@pytest.mark.parametrize(('name', 'allowed'), [('mean', True), ('__init__', False)])
def test_only_stored_methods_of_mmengine_are_reached(tmp_path, name, allowed):
    """From ``__init__`` a file could go on to the globals of a module."""
    path = tmp_path / 'reach.pth'
    torch.save({'x': Reach(name)}, path)
    if allowed:
        assert load_weights_only(path)['x'] is HistoryBuffer.mean
    else:
        with pytest.raises(ForeignObjectError, match='HistoryBuffer'):
            load_weights_only(path)
