import pytest
import torch
from mmpretrain.structures import DataSample
from torchvision.transforms import RandomErasing

from mmqcs.functional.erasing import box_mask, erase_boxes
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
    fine = box_mask(boxes, 20, 10)
    assert fine[0].sum() == 25
    assert not fine[1].any()
    assert torch.equal(box_mask(boxes, 10, 5, step=2), fine[..., ::2, ::2])


def test_bad_erasing():
    with pytest.raises(ValueError, match='ascending ranges'):
        make(dict(scale=(0.2, 0.1)))
    with pytest.raises(TypeError, match='inplace'):
        make(dict(inplace=True))
