"""Batches of images of one shape."""

from collections.abc import Iterator, Sequence

__all__ = ['batches_of_one_shape']


def batches_of_one_shape(
    shapes: Sequence[tuple[int, ...]], batch_size: int
) -> Iterator[list[int]]:
    """Groups images that can go through a network together.

    Args:
        shapes: Of each image.
        batch_size: How many go together at most.

    Yields:
        Places of the images of a batch; each place comes once.
    """
    groups: dict[tuple[int, ...], list[int]] = {}
    for place, shape in enumerate(shapes):
        groups.setdefault(shape, []).append(place)
    for places in groups.values():
        for start in range(0, len(places), batch_size):
            yield places[start : start + batch_size]
