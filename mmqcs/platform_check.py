"""Checks that one line of OpenMMLab is installed, and not too old."""

import warnings
from importlib.metadata import PackageNotFoundError, version

from packaging.version import Version

MINIMUM = {
    'mmengine': ('0.10.7', ('onedl-mmengine', 'mmengine', 'mmengine-lite')),
    'mmcv': ('2.1.0', ('onedl-mmcv', 'mmcv', 'mmcv-lite')),
    'mmpretrain': ('1.2.0', ('onedl-mmpretrain', 'mmpretrain')),
}
"""Oldest tested version and the distributions that provide each package."""

_REMEDY = (
    "Install the maintained line with pip install 'mmqcs[onedl]', or the original "
    "one with pip install 'mmqcs[openmmlab]', but not both: they own the same files"
)


def check_platform() -> None:
    """Raises if an OpenMMLab package is missing, warns if one is too old.

    There is no upper limit: newer releases are expected to work.

    Raises:
        ImportError: Names the missing packages and how to install them.
    """
    missing, old = [], []
    for package, (minimum, distributions) in MINIMUM.items():
        found = _first_version(distributions)
        if found is None:
            missing.append(package)
        elif Version(found) < Version(minimum):
            old.append(f'{package} {found} (needs ≥ {minimum})')
    if missing:
        raise ImportError(f'mmqcs needs {", ".join(missing)}. {_REMEDY}')
    if old:
        warnings.warn(f'mmqcs was not tested with {", ".join(old)}', stacklevel=3)


def _first_version(distributions: tuple[str, ...]) -> str | None:
    for name in distributions:
        try:
            return version(name)
        except PackageNotFoundError:
            continue
    return None
