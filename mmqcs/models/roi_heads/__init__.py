"""Heads of detectors; MMDetection is imported when a config asks for one."""

from typing import TYPE_CHECKING, Any

from mmqcs.registry import MODELS

if TYPE_CHECKING:
    from .qcs_roi_head import QCSRoIHead

__all__ = ['build_qcs_roi_head']

_REMEDY = (
    'mmqcs.QCSRoIHead needs MMDetection and the compiled operators of MMCV: run '
    "`pip install 'mmqcs[onedl-det]'`, then `make ops` in a checkout of mmqcs"
)


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
    try:
        import mmcv.ops  # noqa: F401
        import mmdet.models  # noqa: F401
    except (ImportError, AssertionError) as error:  # mmdet asserts mmcv's version
        raise ImportError(f'{_REMEDY} ({error})') from error
    from .qcs_roi_head import QCSRoIHead

    return QCSRoIHead(**kwargs)
