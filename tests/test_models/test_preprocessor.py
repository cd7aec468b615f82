import torch
from mmpretrain.structures import DataSample

from mmqcs.models import FERDataPreprocessor

MEAN, STD = [123.675, 116.28, 103.53], [58.395, 57.12, 57.375]


def make(erasing=None):
    return FERDataPreprocessor(erasing, mean=MEAN, std=STD, to_rgb=True)


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
