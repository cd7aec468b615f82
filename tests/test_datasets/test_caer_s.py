import shutil

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mmqcs.datasets import CAERS

pytest_plugins = 'fer_trees'


@pytest.mark.parametrize('folder', ['CAER-S/', ''])
@pytest.mark.parametrize('anger', ['Anger', 'Angry'])
def test_class_folders(tmp_path, put, log, folder, anger):
    names = (anger, 'Disgust', 'Fear', 'Happy', 'Neutral', 'Sad', 'Surprise')
    put(tmp_path, *(f'{folder}train/{name}/0001.png' for name in names))
    put(tmp_path, f'{folder}test/Sad/0001.png')
    assert CAERS(str(tmp_path)).get_gt_labels().tolist() == list(range(7))
    assert CAERS(str(tmp_path), split='test').get_gt_labels().tolist() == [5]
    assert '7 images (Anger 1,' in log.info[0]
    assert not log.warnings  # no counts are published


def test_an_unknown_class(tmp_path, put):
    put(tmp_path, 'train/Contempt/0001.png')
    with pytest.raises(ValueError, match='Contempt is not the folder of a known class'):
        CAERS(str(tmp_path))


def test_nothing_found(tmp_path):
    with pytest.raises(FileNotFoundError, match='CAER-S not found') as error:
        CAERS(str(tmp_path), split='test')
    for name in ('CAER-S/test', 'CAER-S/val', 'test', 'validation'):
        assert f'  {tmp_path}/{name}\n' in str(error.value)


NAMES = {'anger': 0, 'angry': 0, 'disgust': 1, 'happy': 3, 'happiness': 3, 'sad': 5}


@st.composite
def folder_names(draw):
    """The name of a class, often with a character changed, added or left out."""
    name = draw(st.sampled_from([*NAMES, 'Sad', 'HAPPY']))
    i = draw(st.integers(0, len(name)))
    added = draw(st.text('aeys_ .9', max_size=1))
    return draw(st.sampled_from([name, name[:i] + added + name[i + 1 :], name + added]))


@settings(
    derandomize=True,
    database=None,
    deadline=None,
    max_examples=100,
    suppress_health_check=list(HealthCheck),
)
@given(folders=st.lists(folder_names(), min_size=1, max_size=3, unique=True))
def test_folders_of_any_name(tmp_path, put, folders):
    """Each is the folder of a class, hidden, or an error that names it."""
    shutil.rmtree(tmp_path / 'train', ignore_errors=True)
    put(tmp_path, *(f'train/{folder}/1.png' for folder in folders))
    shown = sorted(name for name in folders if not name.startswith(('.', '__')))
    labels = [NAMES.get(name.lower()) for name in shown]
    try:
        found = CAERS(str(tmp_path), serialize_data=False)
    except ValueError as error:
        wrong = [n for n, label in zip(shown, labels, strict=True) if label is None]
        assert wrong or not shown
        assert not wrong or f'train/{wrong[0]} is not the folder' in str(error)
    else:
        assert [found.get_data_info(i)['gt_label'] for i in range(len(found))] == labels
