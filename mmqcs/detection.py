"""Looks for MMDetection, which only detectors need."""

__all__ = ['require_detection']


def require_detection(what: str) -> None:
    """Raises unless MMDetection and the compiled operators of MMCV can be imported.

    Args:
        what: What needs them, for the message.

    Raises:
        ImportError: Says what to install.
    """
    try:
        import mmcv.ops  # noqa: F401
        import mmdet.models  # noqa: F401
    except (ImportError, AssertionError) as error:  # mmdet asserts mmcv's version
        raise ImportError(
            f'{what} needs MMDetection and the compiled operators of MMCV: run '
            f"`pip install 'mmqcs[onedl-det]'`, then `make ops` in a checkout of "
            f'mmqcs ({error})'
        ) from error
