"""Heads of detectors; MMDetection is imported when a config asks for one."""

from typing import TYPE_CHECKING, Any

from mmqcs.registry import MODELS
from mmqcs.utils.detection import require_detection

if TYPE_CHECKING:
    from .qcs_roi_head import QCSRoIHead

__all__ = ['build_qcs_roi_head']


@MODELS.register_module(name='QCSRoIHead')
def build_qcs_roi_head(**kwargs: Any) -> 'QCSRoIHead':
    """Builds a ``mmqcs.QCSRoIHead``.

    This function is what is registered, not the class: the registry of mmqcs can
    then be read without MMDetection, which is slow to import and often not there.

    Args:
        **kwargs: Arguments of :class:`mmqcs.models.roi_heads.qcs_roi_head.QCSRoIHead`.

    Raises:
        ImportError: MMDetection or the operators of MMCV are missing.
    """
    require_detection('mmqcs.QCSRoIHead')
    from .qcs_roi_head import QCSRoIHead

    return QCSRoIHead(**kwargs)
