"""Which checkpoint a training is resumed from."""

import os

import pytest
import torch

from mmqcs.checkpoints.safe_load import CheckpointError
from mmqcs.runs.resume import find_newest, read_resumable


def checkpoint(epoch=1, **changes):
    hub = dict(log_scalars={}, runtime_info={}, resumed_keys={})
    return {
        'state_dict': {'weight': torch.zeros(2)},
        'meta': {'epoch': epoch, 'iter': 10 * epoch},
        'message_hub': hub,
        'optimizer': {},
        **changes,
    }


def save(folder, name, content=None):
    path = folder / name
    torch.save(checkpoint() if content is None else content, path)
    return path


def test_the_newest_is_the_one_with_most_iterations(tmp_path):
    for epoch in (2, 10, 9):
        save(tmp_path, f'epoch_{epoch}.pth', checkpoint(epoch))
    save(tmp_path, 'iter_35.pth', checkpoint(meta={'epoch': 3, 'iter': 35}))
    os.utime(tmp_path / 'epoch_10.pth', (0, 0))  # copied without its time
    found = find_newest([tmp_path])
    assert (found.path.name, found.epoch, found.iteration) == ('epoch_10.pth', 10, 100)
    assert found.skipped == []


def test_of_equal_iterations_the_last_written_is_taken(tmp_path):
    old = save(tmp_path, 'epoch_1.pth')
    new = save(tmp_path, 'iter_10.pth')
    os.utime(old, (10, 10))
    os.utime(new, (20, 20))
    assert find_newest([tmp_path]).path == new
    os.utime(old, (30, 30))
    assert find_newest([tmp_path]).path == old


def test_unreadable_files_are_skipped_one_line_each(tmp_path):
    good = save(tmp_path, 'epoch_1.pth')
    cut = save(tmp_path, 'epoch_2.pth', checkpoint(2))
    cut.write_bytes(cut.read_bytes()[:400])
    (tmp_path / 'epoch_3.pth').touch()
    found = find_newest([tmp_path / 'absent', tmp_path])
    assert found.path == good
    assert [line.count('\n') for line in found.skipped] == [0, 0]
    assert 'epoch_3.pth' in found.skipped[0]
    assert 'epoch_2.pth' in found.skipped[1]


def test_a_name_can_contain_a_line_break(tmp_path):
    path = save(tmp_path, 'epoch\n_1.pth')
    assert find_newest([tmp_path]).path == path


def test_last_checkpoint_does_not_matter(tmp_path):
    good = save(tmp_path, 'epoch_1.pth')
    for text in ('', str(tmp_path / 'epoch_9.pth')):
        (tmp_path / 'last_checkpoint').write_text(text)
        assert find_newest([tmp_path]).path == good


def test_a_work_dir_without_checkpoints_is_a_fresh_start(tmp_path):
    (tmp_path / 'last_checkpoint').write_text('epoch_9.pth')
    assert find_newest([tmp_path]) is None


@pytest.mark.parametrize('name', ['epoch_1.pth', 'best_accuracy_epoch_1.pth'])
def test_checkpoints_of_which_none_is_good_are_an_error(tmp_path, name):
    (tmp_path / name).write_bytes(b'PK')
    with pytest.raises(CheckpointError, match=str(tmp_path)):
        find_newest([tmp_path])


WRONG = {
    'a state dict': ({'weight': torch.zeros(2)}, 'state_dict'),
    'a list': ([1], 'list'),
    'None': (None, 'NoneType'),
    'integer keys': ({1: 2}, 'state_dict'),
    'weights': (
        {k: v for k, v in checkpoint().items() if k != 'optimizer'},
        'optimizer',
    ),
    'a list as meta': (checkpoint(meta=[]), 'meta'),
    'a text as epoch': (checkpoint(meta={'epoch': 'x', 'iter': 1}), 'meta.epoch'),
    'no iteration': (checkpoint(meta={'epoch': 1}), 'meta.iter'),
    'an empty hub': (checkpoint(message_hub={}), 'log_scalars'),
    'nested weights': (checkpoint(state_dict={'a': {}}), 'state_dict'),
}


@pytest.mark.parametrize(('content', 'fact'), WRONG.values(), ids=WRONG)
def test_a_file_that_is_no_checkpoint_of_a_training(tmp_path, content, fact):
    path = tmp_path / 'file.pth'
    torch.save(content, path)
    with pytest.raises(CheckpointError, match=fact) as raised:
        read_resumable(path)
    assert str(path) in str(raised.value)
    assert '\n' not in str(raised.value)
