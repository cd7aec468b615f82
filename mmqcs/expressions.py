"""Names of expressions, and the order in which each dataset counts them.

Class names are matched by meaning: ``Happiness``, ``Happy`` and ``joy`` are the same
expression. All other modules import the class order of a dataset from here.
"""

from collections.abc import Sequence

import numpy as np

__all__ = ['COMMON', 'class_map', 'class_spellings', 'expression', 'target_classes']

RAF_DB = ('Surprise', 'Fear', 'Disgust', 'Happiness', 'Sadness', 'Anger', 'Neutral')
FER2013 = ('Angry', 'Disgust', 'Fear', 'Happy', 'Sad', 'Surprise', 'Neutral')
EXP_W = FER2013
CAER_S = ('Anger', 'Disgust', 'Fear', 'Happy', 'Neutral', 'Sad', 'Surprise')
JAFFE = CAER_S
KDEF = ('Fear', 'Anger', 'Disgust', 'Happy', 'Neutral', 'Sad', 'Surprise')
# fmt: off
FER_PLUS = (
    'Neutral', 'Happiness', 'Surprise', 'Sadness',
    'Anger', 'Disgust', 'Fear', 'Contempt',
)
AFFECT_NET = (
    'Neutral', 'Happy', 'Sad', 'Surprise', 'Fear', 'Disgust', 'Anger', 'Contempt',
)
CK_PLUS = (
    'Neutral', 'Anger', 'Contempt', 'Disgust', 'Fear', 'Happy', 'Sadness', 'Surprise',
)
CK_EXTENDED = (  # the order of ckextended.csv, a copy of CK+
    'Anger', 'Disgust', 'Fear', 'Happy', 'Sadness', 'Surprise', 'Neutral', 'Contempt',
)
# fmt: on

COMMON = AFFECT_NET
"""The order in which datasets are compared: AffectNet's. Contempt comes last, so the
first seven classes are the order without it."""

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
    """Return the expression that a class name stands for, as named in :data:`COMMON`.

    Args:
        name: Class name in any common spelling, in any case.

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
            f'{name!r} is not a known expression; expected one of '
            f'{", ".join(_EXPRESSIONS)}'
        ) from None


def class_spellings(classes: Sequence[str]) -> dict[str, int]:
    """Return the class number, from 0, of every spelling of every class, in lower case.

    Args:
        classes: Class names, in the order of their numbers.
    """
    return {
        spelling: i
        for i, name in enumerate(classes)
        for spelling in _SPELLINGS[expression(name)]
    }


def class_map(source: Sequence[str], target: Sequence[str]) -> np.ndarray:
    """Map the classes of one dataset to those of another, by name.

    Args:
        source: S class names to map.
        target: Class names to map to.

    Returns:
        int64, (S,): the position of each source class in ``target``, or -1 if the
        target does not have it.

    Raises:
        ValueError: A name is unknown, or an expression occurs twice in an order.

    Examples:
        >>> class_map(('Anger', 'Happiness', 'Contempt'), ('happy', 'angry'))
        array([ 1,  0, -1])
    """
    names = []
    for order in (source, target):
        names.append([expression(name) for name in order])
        if len(set(names[-1])) < len(order):
            raise ValueError(f'an expression occurs twice in {", ".join(order)}')
    positions = {name: i for i, name in enumerate(names[1])}
    return np.array([positions.get(name, -1) for name in names[0]], dtype=np.int64)


def target_classes(
    own: Sequence[str],
    label_order: str | Sequence[str] = 'own',
    num_classes: int | None = None,
) -> tuple[str, ...]:
    """Return the class names, in order, that the labels of a dataset refer to.

    A dataset without contempt can still be given 8 classes in the common order; that
    class then has no images.

    Args:
        own: The dataset's own class names, in its own order.
        label_order: ``'own'``; ``'common'`` for :data:`COMMON`; or class names.
        num_classes: 8, or 7 to leave contempt out. By default 8 if the dataset has
            contempt, else 7.
    """
    plain = tuple(name for name in own if expression(name) != 'Contempt')
    if label_order == 'own':
        orders: tuple[tuple[str, ...], ...] = (tuple(own), plain)
    elif label_order == 'common':
        orders = (COMMON, COMMON[:7]) if plain != tuple(own) else (COMMON[:7], COMMON)
    elif isinstance(label_order, str):
        raise ValueError(
            f"label_order must be 'own', 'common' or a sequence of class names, got "
            f'{label_order!r}'
        )
    else:
        orders = (tuple(label_order),)
        class_map(own, orders[0])  # refuses unknown and repeated names
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
