"""Imported first by packages that need OpenMMLab.

``import mmqcs`` itself works without OpenMMLab, for ``mmqcs.deployment``.
"""

from .platform_check import check_platform

check_platform()
