"""Files that appear when they are complete."""

import os

import pytest

from mmqcs.atomic import atomic_file, draft_of, remove_drafts, write_text


def test_a_failed_write_leaves_the_old_file_and_no_draft(tmp_path):
    path = tmp_path / 'file'
    write_text(path, 'old')
    with pytest.raises(KeyError), atomic_file(path) as draft:
        draft.write_text('half')
        raise KeyError
    assert path.read_text() == 'old'
    assert os.listdir(tmp_path) == ['file']


def test_the_draft_is_on_disk_before_it_takes_the_name(tmp_path, monkeypatch):
    path = tmp_path / 'file'
    calls = []
    monkeypatch.setattr(os, 'fsync', lambda handle: calls.append(path.exists()))
    write_text(path, 'text')
    assert calls == [False, True]  # of the file, then of its folder
    assert path.read_text() == 'text'


def test_drafts_of_killed_processes_are_removed(tmp_path):
    draft_of(tmp_path / 'epoch_1.pth').write_bytes(b'half')
    (tmp_path / 'notes.part').touch()
    remove_drafts(tmp_path)
    assert os.listdir(tmp_path) == ['notes.part']
