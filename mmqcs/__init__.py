"""QCS facial expression recognition for MMPretrain.

Importing the package checks the versions of the OpenMMLab packages and nothing
more; the registered parts are imported when a config first names one. Without any
OpenMMLab package ``mmqcs.deployment`` can be imported, as can the modules that need
numpy or torch alone; the others say what they need.
"""

from importlib import import_module
from typing import Any

from .platform_check import check_platform
from .version import __version__

# Imported on first use, because they need the OpenMMLab packages.
_LAZY = {
    'convert_reference_state_dict': 'mmqcs.checkpoints.reference',
    'register_all_modules': 'mmqcs.register',
    'register_model_index': 'mmqcs.register',
}

__all__ = ['__version__', *_LAZY]

check_platform(needed=False)


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return getattr(import_module(_LAZY[name]), name)
    raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
