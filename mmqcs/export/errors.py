"""What can be wrong with an export."""

__all__ = ['ExportError', 'first_line']


class ExportError(ValueError):
    """A model cannot be exported, or what was exported is wrong."""


def first_line(error: Exception) -> str:
    """The reason that an error gives, without its details."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]
