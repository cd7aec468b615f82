"""Imported first by the packages that cannot do without OpenMMLab.

``import mmqcs`` itself works without, for ``mmqcs.deployment``.
"""

from .platform_check import check_platform

check_platform()
