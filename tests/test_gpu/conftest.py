"""Settings under which a GPU computes the same numbers each time."""

import os

import pytest
import torch

# cuBLAS reads it when CUDA starts
os.environ.setdefault('CUBLAS_WORKSPACE_CONFIG', ':4096:8')


@pytest.fixture(autouse=True)
def repeatable(monkeypatch):
    """No TF32, and deterministic kernels only."""
    for backend in (torch.backends.cuda.matmul, torch.backends.cudnn):
        monkeypatch.setattr(backend, 'allow_tf32', False)
    monkeypatch.setattr(torch.backends.cudnn, 'benchmark', False)
    torch.use_deterministic_algorithms(True)
    yield
    torch.use_deterministic_algorithms(False)
