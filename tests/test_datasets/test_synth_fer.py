"""SynthFER as a registered dataset."""

import pickle

import mmengine.fileio as fileio
import numpy as np
import pytest
from mmengine.runner import Runner
from mmpretrain.registry import DATASETS

import mmqcs.synth.synth_fer
from mmqcs.datasets.synth_fer import SynthFER
from mmqcs.synth import SynthFERSettings, labels, render

PIPELINE = [dict(type='LoadImageFromFile'), dict(type='PackInputs')]


def build(**settings):
    return DATASETS.build(dict(type='mmqcs.SynthFER', pipeline=PIPELINE, **settings))


def test_images_are_those_of_render():
    options = dict(seed=2, image_size=48, difficulty=0.7, num_classes=8)
    data = build(split='test', num_images=10, test_mode=True, **options)
    settings = SynthFERSettings(**options)
    assert len(data) == 10
    assert data.metainfo['classes'] == settings.classes
    expected = labels(settings, 'test', 10)
    for i in (3, 0):
        sample = data[i]
        drawn = render(settings, 'test', i)
        np.testing.assert_array_equal(sample['inputs'].permute(1, 2, 0).numpy(), drawn)
        assert sample['data_samples'].gt_label.item() == expected[i]
        assert sample['data_samples'].ori_shape == (48, 48)


def test_nothing_is_drawn_before_it_is_asked_for(monkeypatch):
    def refuse(*args):
        raise AssertionError('an image was drawn')

    monkeypatch.setattr(mmqcs.synth.synth_fer, 'render_face', refuse)
    data = build()
    assert len(data) == 2100
    assert len(build(split='test')) == 700
    assert np.bincount(data.get_gt_labels()).tolist() == [300] * 7
    with pytest.raises(AssertionError, match='was drawn'):
        data[0]


def test_start_continues_the_sequence():
    whole = build(num_images=9)
    rest = build(num_images=4, start=5)
    np.testing.assert_array_equal(rest.get_gt_labels(), whole.get_gt_labels()[5:])
    assert rest.get_data_info(0)['img_path'] == whole.get_data_info(5)['img_path']


def test_persons_are_shown_in_turn():
    data = build(num_images=6, start=2, persons=2, image_size=64)
    assert data.metainfo['classes'] == ['person 0', 'person 1']
    assert data.get_gt_labels().tolist() == [0, 1, 0, 1, 0, 1]
    settings = SynthFERSettings(image_size=64)
    for i in (0, 3):
        number, person = i + 2, i % 2
        expected = render(settings, 'train', number, person=person)
        image = data[i]['inputs'].permute(1, 2, 0).numpy()
        np.testing.assert_array_equal(image, expected)
        # the same expression and conditions as those of the image's own person
        assert (image != render(settings, 'train', number)).any()
    # the person is that of the image with its number
    own = render(settings, 'train', 1, person=1)
    np.testing.assert_array_equal(own, render(settings, 'train', 1))


def test_labels_follow_subsets():
    data = build(num_images=50, imbalanced=True)
    whole = data.get_gt_labels()
    assert whole.dtype == np.int64
    expected = labels(SynthFERSettings(imbalanced=True), 'train', 50)
    np.testing.assert_array_equal(whole, expected)
    np.testing.assert_array_equal(
        data.get_subset([7, 3]).get_gt_labels(), whole[[7, 3]]
    )
    assert data.get_cat_ids(4) == [whole[4]]


@pytest.mark.parametrize('workers', [0, 2])
def test_loader(workers):
    loader = Runner.build_dataloader(
        dict(
            dataset=dict(type='mmqcs.SynthFER', num_images=12, pipeline=PIPELINE),
            sampler=dict(type='DefaultSampler', shuffle=False),
            batch_size=6,
            num_workers=workers,
        )
    )
    batches = list(loader)
    images = [image for batch in batches for image in batch['inputs']]
    drawn = [render(SynthFERSettings(), 'train', i) for i in range(12)]
    for image, expected in zip(images, drawn, strict=True):
        np.testing.assert_array_equal(image.permute(1, 2, 0).numpy(), expected)


def test_copies_of_other_processes_draw_the_same():
    data = build(num_images=3)
    copy = pickle.loads(pickle.dumps(data))
    assert (copy[1]['inputs'] == data[1]['inputs']).all()


def test_paths_can_be_read_by_tools():
    path = build(num_images=3, difficulty=0.25).get_data_info(2)['img_path']
    assert path == (
        'synthfer://seed=0,size=100,difficulty=0.25,classes=7,imbalanced=0/train/000002.bmp'
    )
    assert bytes(fileio.get(path)[:2]) == b'BM'


@pytest.mark.parametrize(
    ('path', 'message'),
    [
        ('synthfer://train/3.bmp', 'such as synthfer://seed=0,size=100'),
        (
            'synthfer://seed=0,size=9,difficulty=0.5,classes=7,imbalanced=0/train/1.bmp',
            'image_size must be an integer >= 32, got 9',
        ),
    ],
)
def test_wrong_paths(path, message):
    with pytest.raises(ValueError, match=message):
        fileio.get(path)


@pytest.mark.parametrize(
    ('name', 'value'),
    [
        ('split', 'val'),
        ('num_images', 0),
        ('start', -1),
        ('persons', 1),
        ('difficulty', 2.0),
        ('num_classes', 5),
        ('image_size', 8),
        ('seed', -1),
    ],
)
def test_bad_arguments_are_named(name, value):
    with pytest.raises(ValueError, match=f'^{name} must be .*{value}'):
        SynthFER(**{name: value})
