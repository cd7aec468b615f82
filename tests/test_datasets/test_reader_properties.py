"""Any mutation of a valid label file is read as it is written, or is one error.

The readers are compared with the strict ones in ``strict_reference``. An error
names the file and, in text files, the line.
"""

import functools
import io
import re
import shutil

import cv2
import numpy as np
import pytest
import strict_reference as reference
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mmqcs.datasets import FER2013, RAFDB, AffectNet, CKPlus, ExpW, FERPlus

HEADER = f'Usage,Image name,{reference.VOTES.replace(" ", ",")}'
AFFECT_NET = (
    'subDirectory_filePath,face_x,face_y,face_width,face_height,facial_landmarks,'
    'expression,valence,arousal\n'
    '1/a.jpg,2,1,5,4,1;2;3,0,0.1,-0.2\n'
    '1/b b.JPG,NULL,NULL,NULL,NULL,1;2,1.0,0,0\n'
    '2/c.png,-3,-3,100,100,"1;2",7,0,0\n'
    '2/d.jpg,0,0,5,5,1;2,8,-2,-2\n'
)


def array(value):
    file = io.BytesIO()
    np.save(file, np.array(value))
    return file.getvalue()


def pixels():
    table = np.random.default_rng(0).integers(0, 256, (4, 48 * 48))
    usages = ('Training', 'PublicTest', 'Training', 'PrivateTest')
    rows = [
        f'{i},{" ".join(map(str, row))},{usage}\n'
        for i, (row, usage) in enumerate(zip(table, usages, strict=True))
    ]
    return f'emotion,pixels,Usage\n{"".join(rows)}'


def voted(prefix):
    votes = ('6,0,1,1,0,0,0,0,2,0', '0,0,0,0,0,0,0,6,4,0', '5,5,0,0,0,0,0,0,0,0')
    return ''.join(
        f'{prefix[0]}fer{i}.png{prefix[1]},{v}\n' for i, v in enumerate(votes)
    )


# dataset, label file, its content, folder and names of the images
CASES = {
    'raf official': (
        RAFDB,
        'EmoLabel/list_patition_label.txt',
        'train_00001.jpg 5\ntrain_00002_aligned.jpg 1\ntest_0001.jpg 7\n',
        'Image/aligned',
        ('train_00001_aligned.jpg', 'train_00002_aligned.jpg'),
        reference.raf_official,
    ),
    'raf paths': (
        RAFDB,
        'raf_db_basic_train.txt',
        'Image/train 1.jpg 4\nImage\\b.JPG 0\n./c.png 6\n',
        '',
        ('Image/train 1.jpg', 'Image/b.JPG', 'c.png'),
        reference.raf_paths,
    ),
    'ferplus new': (
        FERPlus,
        'fer2013new.csv',
        f'{HEADER}\n{voted(["Training,", ""])}PublicTest,x.png,9,1,0,0,0,0,0,0,0,0\n'
        'Training,,0,0,0,0,0,0,0,0,0,10\n',
        'FER2013Train',
        ('fer0.png', 'fer1.png'),
        reference.fer2013new,
    ),
    'ferplus label': (
        FERPlus,
        'FER2013Train/label.csv',
        voted(['', ',"(0, 0, 48, 48)"']),
        'FER2013Train',
        ('fer0.png', 'fer1.png'),
        reference.label_csv,
    ),
    'ferplus list': (
        FERPlus,
        'ferplus_training.txt',
        'fer1.png 7\r\nfer2.png 0',
        'img',
        ('fer1.png', 'fer2.png'),
        reference.list_of_eight,
    ),
    'affectnet csv': (
        AffectNet,
        'Manually_Annotated_file_lists/training.csv',
        AFFECT_NET,
        'Manually_Annotated_Images',
        ('1/a.jpg', '1/b b.JPG', '2/c.png'),
        reference.affect_net_csv,
    ),
    'affectnet list': (
        AffectNet,
        'affectnet_training-cls8.txt',
        '1/a.jpg 0\n1/b b.JPG 7.0\n2/c.png\t3\n',
        'Manually_trainval_croped',
        ('1/a.jpg', '1/b b.JPG', '2/c.png'),
        reference.list_of_eight,
    ),
    'affectnet number': (
        AffectNet,
        'train_set/annotations/0_exp.npy',
        array(3.0),
        'train_set/images',
        ('0.jpg',),
        reference.annotation,
    ),
    'affectnet text': (
        AffectNet,
        'train_set/annotations/0_exp.npy',
        array('3'),
        'train_set/images',
        ('0.jpg',),
        reference.annotation,
    ),
    'fer2013 csv': (FER2013, 'fer2013.csv', pixels(), '', (), reference.fer2013_csv),
    'expw': (
        functools.partial(ExpW, split='all'),
        'label/label.lst',
        'a_1.jpg 0 1 2 7 5 22.9 0\na_1.jpg 1 0 -1 4 9 20 3\nb c.jpg 0 0 0 5 5 6 6\n',
        'image/origin',
        ('a_1.jpg', 'b c.jpg'),
        reference.exp_w,
    ),
    'ck+': (
        functools.partial(CKPlus, split='all'),
        'Emotion/S1/001/S1_001_01_emotion.txt',
        '   3.0000000e+00\n',
        'cohn-kanade-images/S1/001',
        ('S1_001_01.png',),
        reference.emotion,
    ),
}
ODD = [
    *b'-5 +3 1_0 1.0 3.7 4.0e+00 1e1 nan inf NULL 0x1 "5" "" 007 -0 .5 5. 8 10'.split(),
    *b'11 \xd9\xa3 \xef\xbc\x91 a.jpg ../a.jpg /a.jpg a/../../b.jpg C:/a.jpg'.split(),
    *b'./fer0.png train Training 1/a.jpg train_00001.jpg fer0.png'.split(),
    *(b'', b'9' * 30, b' ', b'"', b'1 0', b'\0', b'\x1b', b'\xff', b'\n', b'\r'),
]
ENCODINGS = ('utf-8-sig', 'utf-16', 'utf-16-le', 'utf-16-be', 'utf-32', 'cp500')


@st.composite
def mutations(draw, content):
    """The content with one or two changes of any kind."""
    for _ in range(draw(st.integers(1, 2))):
        content = draw(st.sampled_from(KINDS))(draw, content)
    return content


def place(draw, content):
    return draw(st.integers(0, len(content)))


def replace_byte(draw, content):
    i = place(draw, content)
    return content[:i] + draw(st.binary(min_size=1, max_size=1)) + content[i + 1 :]


def insert(draw, content):
    i = place(draw, content)
    added = draw(st.sampled_from(ODD) | st.binary(max_size=4))
    return content[:i] + added + content[i:]


def delete(draw, content):
    i = place(draw, content)
    return content[:i] + content[i + draw(st.integers(1, 30)) :]


def truncate(draw, content):
    return content[: place(draw, content)]


def change_line(draw, content):
    lines = content.splitlines(keepends=True)
    i, j = (draw(st.integers(0, len(lines))) for _ in range(2))
    kind = draw(st.sampled_from(('delete', 'copy', 'blank')))
    if kind == 'delete':
        lines[i : i + 1] = []
    else:
        lines[i:i] = lines[j : j + 1] if kind == 'copy' else [b'  \n']
    return b''.join(lines)


def change_field(draw, content):
    parts = re.split(rb'([ ,\t\r\n]+)', content)
    i, j = (2 * draw(st.integers(0, len(parts) // 2)) for _ in range(2))
    parts[i] = draw(st.sampled_from([*ODD, parts[j]]))
    return b''.join(parts)


def encode(draw, content):
    return content.decode('latin-1').encode(draw(st.sampled_from(ENCODINGS)))


def line_ends(draw, content):
    return content.replace(b'\n', draw(st.sampled_from((b'\r\n', b'\r', b'\n\n', b''))))


KINDS = (
    replace_byte,
    insert,
    delete,
    truncate,
    change_line,
    change_field,
    change_field,
    encode,
    line_ends,
)


class Case:
    """A tree with images, and how its label file is written, read and checked."""

    def __init__(self, name, root, cache):
        self.name, self.root, self.cache = name, root, cache
        self.dataset, label_file, content, folder, images, self.strict = CASES[name]
        self.content = content.encode() if isinstance(content, str) else content
        self.images, self.folder = images, root / folder
        self.path = root / label_file
        for path in (self.path, *(self.folder / image for image in images)):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(cv2.imencode('.png', np.zeros((8, 8, 3), np.uint8))[1])

    def __repr__(self):
        return self.name

    def read(self, content):
        """Images and classes of the dataset, when its label file has this content."""
        self.path.write_bytes(content)
        # two files within a tick of the clock have the same fingerprint
        shutil.rmtree(self.cache, ignore_errors=True)
        # serialising collects garbage, which takes most of the time
        found = self.dataset(str(self.root), serialize_data=False)
        infos = [found.get_data_info(i) for i in range(len(found))]
        if self.dataset is FER2013:
            row = re.compile(r'Training_(\d+)@')
            names = [int(row.search(info['img_path'])[1]) for info in infos]
        else:
            names = [info['img_path'].removeprefix(f'{self.folder}/') for info in infos]
        return list(zip(names, [info['gt_label'] for info in infos], strict=True))

    def expected(self, content):
        """The same by the strict reader, or None if the file is not valid."""
        try:
            return self.strict(content, self.images)
        except reference.NotValidError:
            return None


@pytest.fixture(scope='module', params=CASES)
def case(request, tmp_path_factory):
    root, cache = (tmp_path_factory.mktemp(name) for name in ('root', 'cache'))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv('MMQCS_CACHE_DIR', str(cache))
        yield Case(request.param, root, cache)


def test_valid_files_are_read(case):
    assert case.read(case.content) == case.expected(case.content) != []


@settings(
    derandomize=True,
    database=None,
    deadline=None,
    max_examples=200,
    suppress_health_check=list(HealthCheck),
)
@given(data=st.data())
def test_mutations(case, data):
    content = data.draw(mutations(case.content))
    expected = case.expected(content)
    try:
        found = case.read(content)
    except Exception as error:
        assert type(error) in (ValueError, FileNotFoundError), repr(error)
        assert expected is None, repr(error)
        place = rf'{re.escape(str(case.path))} line \d+|no images of the .* split'
        if case.path.suffix == '.npy':
            place = re.escape(str(case.path))
        assert re.search(place, str(error)), repr(error)
    else:
        assert found == expected
