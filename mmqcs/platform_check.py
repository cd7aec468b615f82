"""Checks that one line of OpenMMLab is installed and recent enough."""

import warnings
from importlib.metadata import PackageNotFoundError, version

MINIMUM = {
    'mmengine': ('0.10.7', ('onedl-mmengine', 'mmengine', 'mmengine-lite')),
    'mmcv': ('2.1.0', ('onedl-mmcv', 'mmcv', 'mmcv-lite')),
    'mmpretrain': ('1.2.0', ('onedl-mmpretrain', 'mmpretrain')),
}
"""Oldest tested version of each package, and the distributions that provide it."""

_REMEDY = (
    "Install the maintained line with pip install 'mmqcs[onedl]' or the original one "
    "with pip install 'mmqcs[openmmlab]', but not both: they contain the same files"
)


def check_platform(needed: bool = True) -> None:
    """Raise an error if an OpenMMLab package is missing, and warn if one is too old.

    There is no upper limit: newer releases are expected to work.

    Args:
        needed: Whether it is also an error if all of them are missing, as in a
            deployment.

    Raises:
        ImportError: A package is missing; the message says how to install it.
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
        if number and Version(number) < Version(MINIMUM[name][0])
    ]
    if old:
        warnings.warn(f'mmqcs has not been tested with {", ".join(old)}', stacklevel=3)


def _first_version(distributions: tuple[str, ...]) -> str | None:
    for name in distributions:
        try:
            return version(name)
        except PackageNotFoundError:
            continue
    return None
