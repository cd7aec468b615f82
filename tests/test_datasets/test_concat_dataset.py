import pytest

from mmqcs.datasets import ConcatDataset
from mmqcs.functional.dataset_labels import dataset_labels

pytest_plugins = 'fer_trees'


@pytest.fixture
def configs(tmp_path, put):
    """RAF-DB with Surprise and Happiness, CAER-S with Sad."""
    raf = put(tmp_path / 'raf', 'train/1/a.jpg', 'train/4/b.jpg')
    caer = put(tmp_path / 'caer', 'train/Sad/c.png')
    return [
        dict(type='mmqcs.RAFDB', data_root=str(raf)),
        dict(type='mmqcs.CAERS', data_root=str(caer)),
    ]


def test_datasets_of_the_same_classes(configs):
    data = ConcatDataset([dict(one, label_order='common') for one in configs])
    assert data.metainfo['dataset_name'] == 'RAF-DB + CAER-S'
    assert data.metainfo['classes'][:3] == ('Neutral', 'Happy', 'Sad')
    labels = [data.get_data_info(i)['gt_label'] for i in range(3)]
    assert labels == [3, 1, 2]
    assert dataset_labels(data).tolist() == labels


def test_other_classes_are_an_error(configs):
    with pytest.raises(ValueError, match=r'RAF-DB .*Surprise.* CAER-S .*Anger.*common'):
        ConcatDataset(configs)
