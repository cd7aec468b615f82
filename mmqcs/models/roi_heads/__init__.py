"""Heads of detectors, which import MMDetection only when a config asks for one."""

from typing import TYPE_CHECKING, Any

from mmqcs.detection import require_detection
from mmqcs.registry import MODELS

if TYPE_CHECKING:
    from .qcs_roi_head import QCSRoIHead

__all__ = ['build_qcs_roi_head']


@MODELS.register_module(name='QCSRoIHead')
def build_qcs_roi_head(**kwargs: Any) -> 'QCSRoIHead':
    """Build a ``mmqcs.QCSRoIHead``.

    The registry holds this function instead of the class, so it can be read without
    MMDetection, which is optional and slow to import.

    Args:
        **kwargs: Arguments of :class:`mmqcs.models.roi_heads.qcs_roi_head.QCSRoIHead`.

    Raises:
        ImportError: If MMDetection or the operators of MMCV are missing.

    Examples:
        >>> from mmengine.config import Config
        >>> from mmqcs.registry import MODELS
        >>> config = Config.fromfile(
        ...     'configs/det/qcs_faster-rcnn_ir-small_fpn_synthfer.py'
        ... )
        >>> head = MODELS.build(dict(config.model.roi_head, _scope_='mmdet'))
        >>> type(head).__name__, head.cross.ring.size
        ('QCSRoIHead', 4)
    """
    require_detection('mmqcs.QCSRoIHead')
    from .qcs_roi_head import QCSRoIHead

    return QCSRoIHead(**kwargs)
