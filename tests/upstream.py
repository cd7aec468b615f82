"""What some releases below this package cannot do, and what their users do instead.

docs/compatibility.md has the list. A test asks here, so that it says the cause.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import packages_distributions, version

import pytest
import torch
from packaging.version import Version

ORIGINAL_LINE = 'onedl-mmengine' not in packages_distributions()['mmengine']
"""Whether the original OpenMMLab packages are installed, not the maintained ones."""

CHECKPOINTS_ARE_REFUSED = ORIGINAL_LINE and torch.__version__ >= (2, 6)
"""MMEngine 0.10.7 leaves ``weights_only`` of ``torch.load`` to torch, which from
2.6 on refuses the log buffers that MMEngine puts in every checkpoint."""


needs_vis_cam = pytest.mark.skipif(
    ORIGINAL_LINE and Version(version('grad-cam')) >= Version('1.5'),
    reason='vis_cam.py of MMPretrain 1.2.0 gives use_cuda, which grad-cam 1.5 removed',
)
needs_vis_tsne = pytest.mark.skipif(
    ORIGINAL_LINE and Version(version('scikit-learn')) >= Version('1.7'),
    reason='vis_tsne.py of MMPretrain 1.2.0 gives n_iter, which sklearn 1.7 removed',
)


@contextmanager
def stock_checkpoints() -> Iterator[None]:
    """Lets MMPretrain's own programs load checkpoints, by torch's own switch."""
    with pytest.MonkeyPatch.context() as patch:
        if CHECKPOINTS_ARE_REFUSED:
            patch.setenv('TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD', '1')
        yield
