"""The parity tests of the CPU, in full precision on a GPU."""

import pytest
from gpu_case import DEVICE, needs_gpu
from test_models.test_parity import (
    CASES,
    Case,
    test_eval_logits,
    test_training_forward_and_backward,
    test_two_iterations_of_sam,
)

__all__ = [
    'test_eval_logits',
    'test_training_forward_and_backward',
    'test_two_iterations_of_sam',
]

pytestmark = needs_gpu


@pytest.fixture(scope='module', params=['qcs_raf', 'dcs_ferplus'])
def case(request):
    return Case(request.param, CASES[request.param], DEVICE)
