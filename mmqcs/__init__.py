"""QCS facial expression recognition for MMPretrain.

Importing the package only checks the versions of the OpenMMLab packages. The
registered parts are imported when a config first names one. Without any OpenMMLab
package you can import ``mmqcs.deployment`` and the modules that need only numpy or
torch; the others raise an error that says what they need.
"""

from importlib import import_module
from typing import Any

from .platform_check import check_platform
from .version import __version__

# imported on first use because they need the OpenMMLab packages
_LAZY = {
    'convert_reference_state_dict': 'mmqcs.checkpoints.reference',
    'register_all_modules': 'mmqcs.register',
    'register_model_index': 'mmqcs.model_index',
}

__all__ = ['__version__', *_LAZY]

check_platform(needed=False)


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return getattr(import_module(_LAZY[name]), name)
    raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
