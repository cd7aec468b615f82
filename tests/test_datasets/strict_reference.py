"""Readers of labels that share no code with the package: slow, simple and strict.

Each takes the bytes of a label file and the names of the images that exist, and
returns the images with their classes, or None if the file is not valid.
"""

import posixpath
import re

import numpy as np

DIGITS = set('0123456789')
VOTES = 'neutral happiness surprise sadness anger disgust fear contempt unknown NF'
USAGES = ('Training', 'PublicTest', 'PrivateTest')


class NotValidError(Exception):
    """The file is not valid."""


def demand(condition):
    if not condition:
        raise NotValidError


def lines(content):
    """Return the lines that are not blank."""
    utf16 = content[:2] in (b'\xff\xfe', b'\xfe\xff')
    try:
        text = content.decode('utf-16' if utf16 else 'utf-8-sig')
    except UnicodeDecodeError:
        raise NotValidError from None
    demand('\0' not in text)
    return [line for line in re.split('\r\n|\r|\n', text) if line.strip(' \t')]


def rows(content):
    """The fields of each line, by a state machine for quotes."""
    return [fields(line) for line in lines(content)]


def fields(line):
    found, state = [''], 'start'
    for character in line:
        if state == 'quoted':
            if character == '"':
                state = 'closed'
            else:
                found[-1] += character
        elif character == ',':
            found.append('')
            state = 'start'
        elif character == '"' and state == 'start':
            state = 'quoted'
        elif state == 'closed':
            demand(character == '"')
            found[-1] += character
            state = 'quoted'
        else:
            found[-1] += character
            state = 'plain'
    demand(state != 'quoted')
    return found


def number(text, lowest, highest):
    """A whole number, perhaps with a fraction or an exponent of zeros."""
    mantissa, e, exponent = text.strip(' \t').lower().partition('e')
    whole, _, fraction = mantissa.partition('.')
    if e:
        demand(exponent)
        demand(exponent[0] in '+-0')
        demand(set(exponent[exponent[0] in '+-' :]) == {'0'})
    demand(not set(fraction) - {'0'})
    digits = whole.removeprefix('-')
    demand(digits and not set(digits) - DIGITS and len(digits) < 10)
    value = int(whole)
    demand(lowest <= value <= highest)
    return value


def name(text):
    text = text.strip(' \t').replace('\\', '/')
    demand(not any(ord(c) < 32 or 127 <= ord(c) < 160 for c in text))
    demand(text and not text.startswith('/') and text[1:2] != ':')
    demand('..' not in text.split('/') and text.split('/')[-1] not in ('', '.'))
    return posixpath.normpath(text)


def resolve(samples, images):
    """Find the images, whose extension may differ in case, and compare duplicates."""
    found, classes = [], {}
    for path, label in samples:
        stem, extension = posixpath.splitext(path)
        choices = [path, *(stem + other(extension) for other in (str.lower, str.upper))]
        path = next((choice for choice in choices if choice in images), None)
        demand(path)
        demand(classes.setdefault(path, label) == label)
        found.append((path, label))
    demand(found)
    return found


def label_list(content, lowest, highest):
    samples = []
    for line in lines(content):
        parts = re.split('[ \t]+', line.strip(' \t'))
        demand(len(parts) > 1)
        label = parts[-1]
        text = line.strip(' \t').removesuffix(label).rstrip(' \t')
        extension = text.rpartition('.')[2]
        demand('.' in text[1:] and extension.isascii() and extension.isalnum())
        demand(extension[0].isalpha())
        samples.append((name(text), number(label, lowest, highest)))
    return samples


def raf_official(content, images):
    samples = label_list(content, 1, 7)
    demand(all(n.startswith(('train', 'test')) for n, _ in samples))
    aligned = []
    for path, label in samples:
        if path.startswith('train'):
            stem, extension = posixpath.splitext(path)
            stem = stem.removesuffix('_aligned')
            aligned.append((f'{stem}_aligned{extension}', label - 1))
    return resolve(aligned, images)


def raf_paths(content, images):
    return resolve(label_list(content, 0, 6), images)


def list_of_eight(content, images):
    return resolve(label_list(content, 0, 7), images)


def exp_w(content, images):
    samples = []
    for line in lines(content):
        parts = line.strip(' \t').rsplit(maxsplit=7)
        demand(len(parts) == 8)
        top, left, right, bottom = (number(x, -99_999, 999_999_999) for x in parts[2:6])
        demand(top < bottom and left < right)
        demand(re.fullmatch(r'-?[0-9]{1,9}(\.[0-9]*)?([eE][+-]?[0-9]{1,2})?', parts[6]))
        box = left, top, right, bottom
        samples.append((name(parts[0]), number(parts[7], 0, 6), box))
    classes = {}
    for path, label, box in samples:
        demand(path in images)
        demand(classes.setdefault((path, box), label) == label)
    demand(samples)
    return [(path, label) for path, label, _ in samples]


def winner(votes):
    counted = [vote if vote != 1 else 0 for vote in votes]
    best = max(range(10), key=lambda i: counted[i])
    return best if 2 * counted[best] > sum(counted) and best < 8 else None


def voted(content, images, header, usage):
    table = rows(content)
    if header:
        demand(table)
        columns = [field.strip() for field in table.pop(0)]
        demand(columns == ['Usage', 'Image name', *VOTES.split()])
    samples = []
    for row in table:
        demand(len(row) == 12)
        votes = [number(field, 0, 10) for field in row[2:]]
        image = row[1 if header else 0]
        path = name(image) if image.strip() else None
        demand(path or header)
        wanted = not header or row[0].strip() == usage
        demand(not header or row[0].strip() in USAGES)
        if path and wanted and winner(votes) is not None:
            samples.append((path, winner(votes)))
    return resolve(samples, images)


def fer2013new(content, images):
    return voted(content, images, header=True, usage='Training')


def label_csv(content, images):
    return voted(content, images, header=False, usage=None)


def affect_net_csv(content, images):
    table = rows(content)
    demand(table)
    header = [field.strip() for field in table.pop(0)]
    columns = 'subDirectory_filePath face_x face_y face_width face_height expression'
    demand(all(header.count(column) == 1 for column in columns.split()))
    samples = []
    for row in table:
        demand(len(row) == len(header))
        path, *box, label = (row[header.index(column)] for column in columns.split())
        path, label = name(path), number(label, 0, 10)
        if label < 8:
            if any(
                field.strip(' \t').upper() not in ('', 'NULL', 'NAN') for field in box
            ):
                top = 999_999_999
                for field, lowest in zip(box, (-top, -top, 1, 1), strict=True):
                    number(field, lowest, top)
            samples.append((path, label))
    return resolve(samples, images)


def fer2013_csv(content, images):
    """Rows of the training split: number of the row, and class."""
    table = content.removeprefix(b'\xef\xbb\xbf').split(b'\n')
    header = [field.strip(b' "\r').lower() for field in table[0].split(b',')]
    demand(
        all(header.count(column) == 1 for column in (b'emotion', b'pixels', b'usage'))
    )
    samples = []
    for index, line in enumerate(table[1:]):
        if not line.strip():
            continue
        row = []
        for field in line.split(b','):
            field = field.strip(b' \t\r')
            if field[:1] == field[-1:] == b'"' and len(field) > 1:
                field = field[1:-1].strip(b' ')
            demand(b'"' not in field)
            row.append(field)
        demand(len(row) == len(header))
        text, pixels, usage = (
            row[header.index(c)] for c in (b'emotion', b'pixels', b'usage')
        )
        demand(text.isascii() and usage.isascii() and usage.decode() in USAGES)
        demand(re.fullmatch(rb'[0-9]+(?: [0-9]+){2303}', pixels))
        label = number(text.decode(), 0, 6)
        if usage == b'Training':
            samples.append((index, label))
    demand(samples)
    return samples


def emotion(content, images):
    (image,) = images
    (text,) = found if len(found := lines(content)) == 1 else ('',)
    return [(image, number(text, 0, 7))]


def annotation(content, images):
    (image,) = images
    try:  # NumPy raises errors of many kinds, some of them when an item is taken
        array = np.lib.format.read_array(Reader(content), allow_pickle=False)
        (value,) = array.ravel().tolist()
        value = value.decode() if array.dtype.kind == 'S' else value
    except Exception:
        raise NotValidError from None
    demand(array.dtype.kind in 'iufSU')
    if array.dtype.kind in 'iuf':
        demand(0 <= value <= 10 and value == int(value))
    else:
        value = number(value, 0, 10)
    demand(value < 8)  # images without an expression are left out, so none is left
    return [(image, int(value))]


class Reader:
    """A binary file in memory, as NumPy's format module reads it."""

    def __init__(self, content):
        self.content, self.place = content, 0

    def read(self, size=-1):
        end = len(self.content) if size < 0 else self.place + size
        found = self.content[self.place : end]
        self.place += len(found)
        return found
