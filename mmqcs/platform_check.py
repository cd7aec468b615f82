"""Checks that one line of OpenMMLab is installed, and not too old."""

import warnings
from importlib.metadata import PackageNotFoundError, version

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


def check_platform(needed: bool = True) -> None:
    """Raises if an OpenMMLab package is missing, warns if one is too old.

    There is no upper limit: newer releases are expected to work.

    Args:
        needed: Whether an environment without any of them is an error, too. It is
            none for ``import mmqcs``, because a deployment has none of them.

    Raises:
        ImportError: Names the missing packages and how to install them.
    """
    found = {name: _first_version(names) for name, (_, names) in MINIMUM.items()}
    missing = [name for name, number in found.items() if number is None]
    if len(missing) == len(found) and not needed:
        return
    if missing:
        raise ImportError(f'mmqcs needs {", ".join(missing)}. {_REMEDY}')

    from packaging.version import Version  # a deployment may lack it

    old = [
        f'{name} {number} (needs ≥ {MINIMUM[name][0]})'
        for name, number in found.items()
        if Version(number) < Version(MINIMUM[name][0])
    ]
    if old:
        warnings.warn(f'mmqcs was not tested with {", ".join(old)}', stacklevel=3)


def _first_version(distributions: tuple[str, ...]) -> str | None:
    for name in distributions:
        try:
            return version(name)
        except PackageNotFoundError:
            continue
    return None
