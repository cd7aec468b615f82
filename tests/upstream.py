"""What some releases below this package cannot do, and what their users do instead.

docs/compatibility.md has the list. A test asks here, so that it says the cause.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import packages_distributions
from inspect import signature

import pytest
import torch
from pytorch_grad_cam import GradCAM
from sklearn.manifold import TSNE

ORIGINAL_LINE = 'onedl-mmengine' not in packages_distributions()['mmengine']
"""Whether the original OpenMMLab packages are installed, not the maintained ones."""

CHECKPOINTS_ARE_REFUSED = ORIGINAL_LINE and torch.__version__ >= (2, 6)
"""MMEngine 0.10.7 leaves ``weights_only`` of ``torch.load`` to torch, which from
2.6 on refuses the log buffers that MMEngine puts in every checkpoint."""

needs_vis_cam = pytest.mark.skipif(
    ORIGINAL_LINE and 'use_cuda' not in signature(GradCAM).parameters,
    reason='vis_cam.py of MMPretrain 1.2.0 gives use_cuda, which grad-cam removed',
)
needs_vis_tsne = pytest.mark.skipif(
    ORIGINAL_LINE and 'n_iter' not in signature(TSNE).parameters,
    reason='vis_tsne.py of MMPretrain 1.2.0 gives n_iter, which sklearn removed',
)


@contextmanager
def stock_checkpoints() -> Iterator[None]:
    """Lets MMPretrain's own programs load checkpoints, by torch's own switch."""
    with pytest.MonkeyPatch.context() as patch:
        if CHECKPOINTS_ARE_REFUSED:
            patch.setenv('TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD', '1')
        yield
