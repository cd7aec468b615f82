"""Names of expressions, and the order in which data sets count them.

Every FER data set numbers its classes in an order of its own. What joins them
is the name: ``Happiness``, ``Happy`` and ``happy`` are one expression. Nothing
here knows a data set; the orders are given as tuples of class names.
"""

from collections.abc import Sequence

import numpy as np

__all__ = ['COMMON', 'class_map', 'class_spellings', 'expression', 'target_classes']

COMMON = (
    'Neutral',
    'Happy',
    'Sad',
    'Surprise',
    'Fear',
    'Disgust',
    'Anger',
    'Contempt',
)
"""AffectNet's order, in which data sets are compared. Contempt comes last, so
the first seven are the order without it."""

_SPELLINGS = {
    'Neutral': ('neutral', 'neutrality'),
    'Happy': ('happy', 'happiness', 'joy'),
    'Sad': ('sad', 'sadness'),
    'Surprise': ('surprise', 'surprised'),
    'Fear': ('fear', 'fearful', 'afraid', 'scared'),
    'Disgust': ('disgust', 'disgusted'),
    'Anger': ('anger', 'angry'),
    'Contempt': ('contempt', 'contemptuous'),
}
_EXPRESSIONS = {name: key for key, names in _SPELLINGS.items() for name in names}


def expression(name: str) -> str:
    """Says which expression a class name stands for.

    Args:
        name: Name in any of the usual spellings, in any case.

    Returns:
        The name in :data:`COMMON`.

    Raises:
        ValueError: The name is unknown.

    Examples:
        >>> expression('Happiness')
        'Happy'
    """
    try:
        return _EXPRESSIONS[name.strip().lower()]
    except KeyError:
        raise ValueError(
            f'{name!r} is not the name of an expression; known are '
            f'{", ".join(_EXPRESSIONS)}'
        ) from None


def class_spellings(classes: Sequence[str]) -> dict[str, int]:
    """Lists the names under which the classes of a data set are found.

    Args:
        classes: Names of the classes, in the order of their numbers.

    Returns:
        From each known spelling, in lower case, to the class, counted from 0.
    """
    return {
        spelling: i
        for i, name in enumerate(classes)
        for spelling in _SPELLINGS[expression(name)]
    }


def class_map(source: Sequence[str], target: Sequence[str]) -> np.ndarray:
    """Maps the classes of one data set to those of another, by name.

    ``class_map(classes, COMMON)`` leads to the common order and
    ``class_map(COMMON, classes)`` back.

    Args:
        source: Names of the S classes that are mapped.
        target: Names of the classes they are mapped to.

    Returns:
        int64, (S,): for each source class its position in ``target``, or -1
        where the target lacks it.

    Raises:
        ValueError: A name is unknown, or an order names an expression twice.

    Examples:
        >>> class_map(('Anger', 'Happiness', 'Contempt'), ('happy', 'angry'))
        array([ 1,  0, -1])
    """
    names = []
    for order in (source, target):
        names.append([expression(name) for name in order])
        if len(set(names[-1])) < len(order):
            raise ValueError(f'an expression is named twice: {", ".join(order)}')
    positions = {name: i for i, name in enumerate(names[1])}
    return np.array([positions.get(name, -1) for name in names[0]], dtype=np.int64)


def target_classes(
    own: Sequence[str],
    label_order: str | Sequence[str] = 'own',
    num_classes: int | None = None,
) -> tuple[str, ...]:
    """Finds the classes, in order, that the labels of a data set shall stand for.

    Args:
        own: Names of the data set's own classes, in its own order.
        label_order: ``'own'``; ``'common'`` for :data:`COMMON`; or the names of
            the classes in the order wanted.
        num_classes: 8, or 7 to leave contempt out. By default 8 if the data set
            has contempt, else 7. 8 classes in the common order are open to data
            sets without contempt too: that class then has no images.

    Raises:
        ValueError: An unknown order, or a number of classes that it cannot have.
    """
    plain = tuple(name for name in own if expression(name) != 'Contempt')
    if label_order == 'own':
        orders = (tuple(own), plain)
    elif label_order == 'common':
        orders = (COMMON, COMMON[:7]) if plain != tuple(own) else (COMMON[:7], COMMON)
    elif isinstance(label_order, str):
        raise ValueError(
            f"label_order must be 'own', 'common' or a sequence of class names, got "
            f'{label_order!r}'
        )
    else:
        orders = (tuple(label_order),)
        class_map(own, orders[0])  # refuses names that are unknown or doubled
    by_size = {len(order): order for order in reversed(orders)}
    if num_classes is None:
        return orders[0]
    if num_classes not in by_size:
        raise ValueError(
            f'num_classes must be {" or ".join(map(str, sorted(by_size)))} with '
            f'label_order={label_order!r} and the classes {", ".join(own)}; got '
            f'{num_classes}'
        )
    return by_size[num_classes]
