"""QCS facial expression recognition for MMPretrain.

Importing the package checks the versions of the OpenMMLab packages and nothing
more; the registered parts are imported when a config first names one. Without any
OpenMMLab package ``mmqcs.deployment`` can be imported, and what computes with numpy
or torch alone; the other parts say what they need.
"""

from .platform_check import check_platform
from .version import __version__

__all__ = ['__version__']

check_platform(needed=False)
