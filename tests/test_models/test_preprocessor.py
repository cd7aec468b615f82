import copy

import numpy
import pytest
import torch
from dispatch import NoSync
from mmpretrain.models import ImageClassifier
from mmpretrain.structures import DataSample
from torchvision.transforms import RandomErasing

from mmqcs.functional.erasing import erase, erase_boxes
from mmqcs.models import FERDataPreprocessor
from mmqcs.structures import LabelBatch

MEAN, STD = [123.675, 116.28, 103.53], [58.395, 57.12, 57.375]


def make(erasing=None, **kwargs):
    return FERDataPreprocessor(erasing, mean=MEAN, std=STD, to_rgb=True, **kwargs)


def batch(n=200):
    return dict(
        inputs=torch.full((n, 3, 20, 20), 255, dtype=torch.uint8),
        data_samples=[DataSample().set_gt_label(0) for _ in range(n)],
    )


def test_erases_boxes_with_the_mean_colour_in_training_only():
    erase = dict(p=0.5, scale=(0.02, 0.1), ratio=(0.3, 3.3), value=0)
    processor = make(erase)
    images = processor(batch(), training=True)['inputs']
    erased = (images == 0).all(dim=1)
    share = erased.any(dim=(1, 2)).float().mean().item()
    assert 0.4 < share < 0.6
    area = erased.float().mean(dim=(1, 2))[erased.any(dim=(1, 2))]
    assert area.min() > 0.01
    assert area.max() < 0.12
    assert not (processor(batch(), training=False)['inputs'] == 0).any()


def test_draws_do_not_touch_the_global_generator():
    processor = make(dict(p=1.0))
    state = torch.get_rng_state()
    first = processor(batch(4), training=True)['inputs']
    second = processor(batch(4), training=True)['inputs']
    assert torch.equal(torch.get_rng_state(), state)
    assert not torch.equal(first, second)


def test_the_seed_decides():
    torch.manual_seed(5)
    first = make(dict(p=1.0))(batch(4), training=True)['inputs']
    torch.manual_seed(5)
    torch.rand(3)  # draws elsewhere do not matter
    again = make(dict(p=1.0))(batch(4), training=True)['inputs']
    torch.manual_seed(6)
    other = make(dict(p=1.0))(batch(4), training=True)['inputs']
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_boxes_are_distributed_as_torchvisions():
    arguments = dict(scale=(0.02, 0.3), ratio=(0.3, 3.3))
    generator = torch.Generator().manual_seed(0)
    ours = erase_boxes(20000, 40, 60, p=1.0, generator=generator, **arguments)
    top, left, bottom, right = ours.T.double()
    image = torch.empty(1).expand(3, 40, 60)
    draws = [
        RandomErasing.get_params(image, value=[0], **arguments) for _ in range(5000)
    ]
    theirs = torch.tensor([draw[:4] for draw in draws]).double()
    for mine, reference in zip(
        (top, left, bottom - top, right - left), theirs.T, strict=True
    ):
        spread = reference.std()
        assert abs(mine.mean() - reference.mean()) < 0.06 * spread
        assert abs(mine.std() / spread - 1) < 0.05
    assert bottom.max() <= 40
    assert right.max() <= 60


def test_finer_grid_is_every_kth_pixel():
    boxes = torch.tensor([[3, 4, 8, 9], [0, 0, 0, 0], [0, 7, 20, 10]])
    images = torch.rand(3, 2, 20, 10)
    fine = erase(images, boxes, 7.0)
    for image, result, (top, left, bottom, right) in zip(
        images, fine, boxes, strict=True
    ):
        image[:, top:bottom, left:right] = 7
        assert torch.equal(result, image)
    coarse = erase(images[..., ::2, ::2], boxes, 7.0, step=2)
    assert torch.equal(coarse, fine[..., ::2, ::2])


def labelled(n=12, scores=None):
    """Images with their labels in both forms."""
    images = torch.randint(0, 256, (n, 3, 20, 24), dtype=torch.uint8)
    labels = torch.arange(n) % 7
    samples = [DataSample().set_gt_label(label) for label in labels.tolist()]
    for sample, score in zip(
        samples, scores if scores is not None else (), strict=False
    ):
        sample.set_gt_score(score)
    return (
        dict(inputs=images, data_samples=samples),
        dict(inputs=images, data_samples=LabelBatch(labels, scores, labels.numpy())),
    )


@pytest.mark.parametrize('training', [False, True])
@pytest.mark.parametrize('erasing', [None, dict(p=0.7, value=2.0, step=2)])
@pytest.mark.parametrize('scored', [False, True])
def test_both_collations_give_the_same_batch(training, erasing, scored):
    stock, ours = labelled(scores=torch.rand(12, 7) if scored else None)
    processor = make(erasing)
    expected = copy.deepcopy(processor)(stock, training)
    found = processor(ours, training)
    assert torch.equal(found['inputs'], expected['inputs'])
    assert found['inputs'].dtype == torch.float32
    for sample, other in zip(
        found['data_samples'], expected['data_samples'], strict=True
    ):
        assert torch.equal(sample.gt_label, other.gt_label)
        if scored:
            assert torch.equal(sample.gt_score, other.gt_score)


@pytest.mark.parametrize(
    'kwargs',
    [
        dict(to_onehot=True, num_classes=7),
        dict(pad_size_divisor=16, pad_value=3),
        dict(
            batch_augments=dict(augments=dict(type='Mixup', alpha=0.8)), num_classes=7
        ),
    ],
    ids=['to_onehot', 'padding', 'batch_augments'],
)
def test_what_the_stock_class_does_is_left_to_it(kwargs):
    stock, ours = labelled()
    results = []
    for data in (stock, ours):
        torch.manual_seed(0)
        numpy.random.seed(0)  # noqa: NPY002  (Mixup draws from it)
        results.append(make(dict(p=0.5), **kwargs)(data, training=True))
    expected, found = results
    assert torch.equal(found['inputs'], expected['inputs'])
    for sample, other in zip(
        found['data_samples'], expected['data_samples'], strict=True
    ):
        assert torch.equal(sample.gt_label, other.gt_label)
        assert ('gt_score' in sample) == ('pad_value' not in kwargs)
        if 'gt_score' in sample:
            assert torch.equal(sample.gt_score, other.gt_score)


def test_few_operations_and_none_that_waits():
    processor = make(dict(p=0.5))
    counts = []
    for n in (4, 400):
        _, batch = labelled(n)
        with NoSync() as mode:
            processor(batch, training=True)
        counts.append(mode.counts)
    assert counts[0] == counts[1]
    assert counts[0].total() < 70


@pytest.mark.parametrize('form', [0, 1], ids=['samples', 'labels'])
def test_a_stock_classifier_takes_both(form):
    model = ImageClassifier(
        backbone=dict(type='ResNet_CIFAR', depth=18, stem_channels=4, base_channels=4),
        neck=dict(type='GlobalAveragePooling'),
        head=dict(type='LinearClsHead', num_classes=7, in_channels=32),
        data_preprocessor=make(),
    )
    stock, ours = labelled()
    losses = [
        model(**model.data_preprocessor(data, True), mode='loss')['loss']
        for data in ((stock, ours)[form], stock)
    ]
    torch.testing.assert_close(*losses)
    outputs = model.eval()(**model.data_preprocessor(ours), mode='predict')
    assert [int(sample.gt_label) for sample in outputs] == ours[
        'data_samples'
    ].labels.tolist()


def test_bad_erasing():
    with pytest.raises(ValueError, match='ascending ranges'):
        make(dict(scale=(0.2, 0.1)))
    with pytest.raises(TypeError, match='inplace'):
        make(dict(inplace=True))
