"""Classes of models and datasets, compared before a training."""

from types import SimpleNamespace

import pytest
from mmengine.dataset import ClassBalancedDataset, ConcatDataset, RepeatDataset
from mmpretrain.datasets import CustomDataset, MultiLabelDataset
from mmpretrain.models import ImageClassifier
from torch import nn

from mmqcs.engine.class_check import check_classes
from mmqcs.registry import MODELS

NAMES = ('Surprise', 'Fear', 'Disgust')


def classifier(classes=3, preprocessor=None, head='LinearClsHead', **kwargs):
    backbone = dict(type='LeNet5')
    head = dict(type=head, num_classes=classes, in_channels=4, **kwargs)
    data = dict(num_classes=preprocessor)
    return ImageClassifier(backbone, head=head, data_preprocessor=data)


@pytest.fixture
def folder(tmp_path):
    def make(classes=NAMES, labels=None):
        for i in range(len(labels or classes)):
            (tmp_path / f'{i}.jpg').touch()
        listed = tmp_path / f'{abs(hash((classes, str(labels))))}.txt'
        labels = range(len(classes)) if labels is None else labels
        listed.write_text('\n'.join(f'{i}.jpg {x}' for i, x in enumerate(labels)))
        return CustomDataset(
            str(tmp_path), ann_file=str(listed), metainfo={'classes': classes}
        )

    return make


def test_classes_that_fit(folder):
    both = dict(train_dataloader=folder(), val_dataloader=folder())
    check_classes(classifier(preprocessor=3), both)
    names = ('surprised', 'afraid', 'Disgust')  # other spellings, same expressions
    check_classes(classifier(), dict(both, val_dataloader=folder(names)))


def wrappers(dataset):
    yield dataset
    yield ConcatDataset([dataset, dataset])
    yield RepeatDataset(dataset, 2)
    yield ClassBalancedDataset(dataset, 1e-3)


@pytest.mark.parametrize('split', ['train_dataloader', 'val_dataloader'])
def test_a_head_for_other_classes(folder, split):
    for dataset in wrappers(folder()):
        with pytest.raises(
            ValueError, match=rf'model.head has 7.*{split}.* 3'
        ) as error:
            check_classes(classifier(7), {split: dataset})
        assert 'model.head.num_classes=3' in str(error.value)


@pytest.mark.parametrize('head', ['StackedLinearClsHead', 'MultiLabelLinearClsHead'])
def test_heads_of_every_kind(folder, head):
    extra = {'mid_channels': [4]} if head.startswith('Stacked') else {}
    with pytest.raises(ValueError, match='model.head has 5'):
        check_classes(classifier(5, head=head, **extra), {'train': folder()})


def test_a_preprocessor_for_other_classes(folder):
    with pytest.raises(ValueError, match='model.data_preprocessor has 4 classes'):
        check_classes(classifier(3, preprocessor=4), {'train_dataloader': folder()})


def test_cross_head_and_head(folder):
    heads = nn.ModuleDict(
        {
            name: MODELS.build(
                dict(type='mmqcs.GatedClsHead', num_classes=n, in_channels=4)
            )
            for name, n in (('head', 3), ('cross', 8))
        }
    )
    with pytest.raises(ValueError, match='model.cross has 8'):
        check_classes(heads, {'train_dataloader': folder()})
    with pytest.raises(ValueError, match='model.head 3, model.cross 8'):
        check_classes(heads, {})


@pytest.mark.parametrize(
    'names', [('Fear', 'Surprise', 'Disgust'), ('a', 'b', 'c'), NAMES[:2]]
)
def test_splits_with_other_classes_or_another_order(folder, names):
    splits = dict(train_dataloader=folder(), val_dataloader=folder(names))
    with pytest.raises(ValueError, match='train_dataloader.*val_dataloader') as error:
        check_classes(classifier(), splits)
    assert 'label_order' in str(error.value)
    joined = ConcatDataset([folder(), folder(names)], ignore_keys=['classes'])
    with pytest.raises(ValueError, match=r'train_dataloader.dataset \(part 2\)'):
        check_classes(classifier(), dict(train_dataloader=joined))


@pytest.mark.parametrize('label', [-1, 3])
def test_a_label_out_of_range(folder, label):
    match = rf'label {label} of image 1 of train_dataloader.* 3 classes \(0 to 2\)'
    with pytest.raises(ValueError, match=match):
        check_classes(classifier(), dict(train_dataloader=folder(labels=[0, label])))


def test_datasets_that_say_nothing_of_classes(tmp_path):
    check_classes(classifier(), dict(train_dataloader=[1, 2, 3]))
    check_classes(nn.Linear(2, 2), dict(train_dataloader=SimpleNamespace(metainfo={})))
    (tmp_path / 'a.jpg').touch()
    (tmp_path / 'labels.json').write_text(
        '{"metainfo": {"classes": ["a", "b", "c"]}, '
        '"data_list": [{"img_path": "a.jpg", "gt_label": [0, 2]}]}'
    )
    several = MultiLabelDataset(str(tmp_path / 'labels.json'), data_root=str(tmp_path))
    check_classes(classifier(), dict(train_dataloader=several))
