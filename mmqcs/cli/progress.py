"""The progress bar of all programs."""

from collections.abc import Iterable
from typing import TypeVar

from rich.console import Console
from rich.progress import track as rich_track

T = TypeVar('T')


def track(items: Iterable[T], what: str, total: int | None = None) -> Iterable[T]:
    """Iterate with a progress bar on stderr, if that is a terminal.

    ``what`` names the items; ``total`` is their number if they have no length.
    """
    console = Console(stderr=True)
    return rich_track(
        items, what, total, console=console, disable=not console.is_terminal
    )
