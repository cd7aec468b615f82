"""Checks for MMDetection, which only detectors need."""


def require_detection(what: str) -> None:
    """Raise an error unless MMDetection and MMCV's operators can be imported.

    Args:
        what: Name of the part that needs them, for the message.

    Raises:
        ImportError: The message says what to install.
    """
    try:
        import mmcv.ops  # noqa: F401
        import mmdet.models  # noqa: F401
    except (ImportError, AssertionError) as error:  # mmdet asserts the version of mmcv
        raise ImportError(
            f'{what} needs MMDetection and the compiled operators of MMCV: run '
            f"`pip install 'mmqcs[onedl-det]'`, then `make ops` in a checkout of "
            f'mmqcs ({error})'
        ) from error
