import pytest

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
