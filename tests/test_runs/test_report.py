"""The report of a work dir, from files as runs write them."""

import base64
import json
from html.parser import HTMLParser

import numpy as np
import pytest

from mmqcs.runs.predictions import Predictions
from mmqcs.runs.record import RunRecord
from mmqcs.runs.report import build_report, write_report
from mmqcs.visualization.sheets import contact_sheet
from mmqcs.visualization.style import save_figure

CLASSES = ('Fear <b>', 'Anger & "rage"', "Joy's")
CONFIG = "model = dict(type='X')\n# </pre><script>alert(1)</script>\n"


class Page(HTMLParser):
    """Headings, tables, pictures and all tags of a page."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.sections, self.sources, self.alts = [], {}, [], []
        self.heading, self.cell, self.texts = None, None, []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        attrs = dict(attrs)
        assert not any(key.startswith('on') or key == 'href' for key in attrs)
        if tag == 'img':
            self.sources.append(attrs['src'])
            self.alts.append(attrs['alt'])
        elif tag in ('h1', 'h2'):
            self.heading = ''
        elif tag == 'tr':
            list(self.sections.values())[-1].append([])
        elif tag in ('td', 'th'):
            self.cell = ''

    def handle_endtag(self, tag):
        if tag in ('h1', 'h2'):
            self.sections[self.heading] = []
            self.heading = None
        elif tag in ('td', 'th'):
            list(self.sections.values())[-1][-1].append(self.cell)
            self.cell = None

    def handle_data(self, data):
        self.texts.append(data)
        if self.heading is not None:
            self.heading += data
        elif self.cell is not None:
            self.cell += data

    def table(self, start):
        (rows,) = (v for k, v in self.sections.items() if k.startswith(start))
        return rows

    @property
    def text(self):
        return ''.join(self.texts)


def record(kind, **changes):
    return RunRecord(
        **dict(
            kind=kind,
            started='now',
            config_name='a<i>.py',
            config=CONFIG,
            command=f'python tools/{kind}.py "<x>"',
            seed=7,
            environment={'PyTorch': '2 <b>'},
            **changes,
        )
    )


@pytest.fixture
def predictions():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, 30)
    return Predictions(
        classes=CLASSES,
        labels=labels,
        predicted=np.where(rng.random(30) < 0.7, labels, (labels + 1) % 3),
        confidence=rng.random(30).astype(np.float32),
        true_confidence=np.zeros(30, np.float32),
        paths=('',) * 30,
        indices=np.arange(30),
    )


@pytest.fixture
def work_dir(tmp_path, predictions):
    """A training with two validations."""
    folder = tmp_path / '20260101_000000'
    counts = {
        'train': dict(zip(CLASSES, (2000, 3, 1), strict=True)),
        'val': dict(zip(CLASSES, (5, 4, 0), strict=True)),
    }
    (folder / 'vis_data').mkdir(parents=True)
    record('train', counts=counts, step=1).save(folder)
    predictions.save(folder / 'predictions.npz')
    sheet = contact_sheet([np.zeros((4, 4, 3), np.uint8)], ['an error'])
    save_figure(sheet, folder / 'hardest_errors.png')
    lines = [
        {'loss': 2.0, 'ce_base/anchor': 1.0, 'theta/level_1': 0.1, 'step': 10},
        {'accuracy/top1': 60.0, 'accuracy/mean_class': 55.5, 'step': 1},
        {'loss': 1.0, 'ce_base/anchor': 0.5, 'theta/level_1': 0.2, 'step': 20},
        {'accuracy/top1': 50.0, 'accuracy/mean_class': 45.5, 'step': 2},
    ]
    text = '\n'.join(map(json.dumps, lines))
    (folder / 'vis_data/scalars.json').write_text(text)
    return tmp_path


def test_nothing_is_run_or_loaded(work_dir):
    text = build_report(work_dir)
    page = Page(text)
    assert not {'script', 'link', 'iframe', 'object', 'form', 'b', 'i'} & set(page.tags)
    assert "default-src 'none'" in text
    assert 'http:' not in text and 'https:' not in text
    assert len(page.sources) == 3
    for source in page.sources:
        start, _, code = source.partition(';base64,')
        content = base64.b64decode(code, validate=True)
        assert (start, content[:4]) in (
            ('data:image/svg+xml', b'<?xm'),
            ('data:image/png', b'\x89PNG'),
        )
    assert all(page.alts)


def test_text_of_runs_is_shown_as_it_is(work_dir):
    page = Page(build_report(work_dir))
    assert 'a<i>.py' in page.sections
    assert CONFIG in page.text
    command = 'python tools/train.py "<x>"'
    assert page.table('Runs')[1][-1] == command
    environment = dict(page.table('Environment'))
    assert environment['PyTorch'] == '2 <b>'
    assert (environment['Seed'], environment['Command']) == ('7', command)


def test_numbers(work_dir, predictions):
    page = Page(build_report(work_dir))
    summary = dict(page.table('a<i>.py'))
    assert summary['Best epoch'] == 'top-1 60.00 %, mean class 55.50 %, step 1'
    assert summary['Last epoch'] == 'top-1 50.00 %, mean class 45.50 %, step 2'
    shown = summary['Shown below: validation at step 1']
    assert shown.startswith(f'top-1 {predictions.accuracy:.2f} % (95 % interval ')

    head, *rows, means = page.table('Classes in')
    assert head == ['Class', 'Images', 'Precision (%)', 'Recall (%)', 'F1 (%)']
    matrix = predictions.confusion_matrix()
    recalls = 100 * matrix.diagonal() / matrix.sum(axis=1)
    for row, name, support, recall in zip(
        rows, CLASSES, matrix.sum(axis=1), recalls, strict=True
    ):
        assert (row[0], row[1], row[3]) == (name, str(support), f'{recall:.2f}')
    assert (means[1], means[3]) == ('30', f'{recalls.mean():.2f}')
    assert f'mean class {recalls.mean():.2f} %' in shown

    assert page.table('Images per class') == [
        ['Class', 'train', 'val'],
        ['Fear <b>', '2,000', '5'],
        ['Anger & "rage"', '3', '4'],
        ["Joy's", '1', '0'],
        ['All', '2,004', '9'],
    ]
    curves = next(alt for alt in page.alts if alt.startswith('Training curves'))
    assert 'Base loss per image' in curves and 'Balance' in curves


def test_a_test_adds_to_the_report_of_the_training(work_dir, predictions):
    folder = work_dir / '20260102_000000'
    folder.mkdir()
    counts = {'test': {'Fear <b>': 8, 'Contempt': 2}}
    record('test', counts=counts, checkpoint='runs/best.pth').save(folder)
    predictions.save(folder / 'predictions.npz')
    page = Page(build_report(work_dir))
    assert [row[1] for row in page.table('Runs')[1:]] == ['train', 'test']
    assert 'Shown below: test of best.pth' in dict(page.table('a<i>.py'))
    assert page.table('Images per class')[0] == ['Class', 'train', 'val', 'test']
    assert page.table('Images per class')[-2] == ['Contempt', '0', '0', '2']
    assert 'the run was interrupted' in page.text  # no sheet of errors
    assert dict(page.table('Environment'))['Command'] == 'python tools/train.py "<x>"'


def test_label_noise_is_shown(tmp_path):
    (tmp_path / '1').mkdir()
    flips = [[0, 2, 1], [0, 0, 0], [4, 0, 0]]
    noise = {'rate': 0.3, 'seed': 5, 'classes': list(CLASSES), 'flips': flips}
    record('train', label_noise=[noise]).save(tmp_path / '1')
    page = Page(build_report(tmp_path))
    assert 'rate 0.3, seed 5: 7 labels are wrong.' in page.text
    assert page.table('Label noise')[1:] == [
        ['Fear <b>', '3', 'Anger & "rage" 2, Joy\'s 1'],
        ['Anger & "rage"', '0', ''],
        ["Joy's", '4', 'Fear <b> 4'],
    ]


def test_what_is_missing_is_said(tmp_path):
    (tmp_path / '1').mkdir()
    record('train').save(tmp_path / '1')
    page = Page(build_report(tmp_path))
    for text in (
        'No run in this folder was validated or tested.',
        'No run in this folder recorded training scalars',
        'No predictions were kept',
        'no single labels',
    ):
        assert text in page.text
    assert not page.sources


def test_a_report_is_replaced_as_a_whole_or_not_at_all(work_dir):
    path = write_report(work_dir)
    assert path == work_dir / 'report.html'
    before = path.read_text()
    (work_dir / '20260101_000000/predictions.npz').write_bytes(b'broken')
    with pytest.raises(ValueError, match='holds no predictions'):
        write_report(work_dir)
    assert path.read_text() == before
    assert not list(work_dir.glob('.report*'))


def test_no_runs(tmp_path):
    with pytest.raises(FileNotFoundError, match=r'looked for .*/\*/run\.json'):
        build_report(tmp_path)
