"""Steps that shape a face; test_export compares them with transforms."""

import numpy as np
import pytest

from mmqcs.deployment.steps import CenterCrop, Subsample, step_from_dict


def test_a_small_image_is_not_enlarged_by_a_crop():
    image = np.arange(5 * 9 * 3, dtype=np.uint8).reshape(5, 9, 3)
    assert np.array_equal(CenterCrop(6, 4)(image), image[:, 2:6])


def test_subsampling_starts_with_the_first_pixel():
    image = np.arange(5 * 9 * 3, dtype=np.uint8).reshape(5, 9, 3)
    assert np.array_equal(Subsample(2)(image), image[[0, 2, 4]][:, [0, 2, 4, 6, 8]])


@pytest.mark.parametrize(
    ('settings', 'message'),
    [
        ({'type': 'Rotate'}, 'Rotate'),
        ({'type': 'Subsample'}, r'Subsample\b.*step'),
        ({'type': 'Subsample', 'step': 2, 'angle': 1}, 'angle'),
        ({'type': 'Resize', 'height': 3, 'width': 3, 'interpolation': 'best'}, 'best'),
    ],
)
def test_an_unknown_step_is_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        step_from_dict(settings)
