"""The README and its translation state the same commands and figures."""

import re

import pytest
from doc_case import ROOT, blocks

FILES = {'en': ROOT / 'README.md', 'zh': ROOT / 'README_zh-CN.md'}
NUMBER = re.compile(r'(?<![\w.-])\d[\d,]*(?:\.\d+)*', re.ASCII)
CODE = re.compile(r'^```.*?^```$', re.DOTALL | re.MULTILINE)


def numbers(text):
    return NUMBER.findall(text)


def sections(text):
    """Text before the first heading, and below each."""
    return re.split(r'^## ', CODE.sub('', text), flags=re.MULTILINE)


def table_rows(text):
    """Cells of all rows of tables, without the lines below their heads."""
    lines = [line for line in text.splitlines() if line.startswith('|')]
    return [
        [cell.strip() for cell in line.strip('|').split('|')]
        for line in lines
        if not re.fullmatch(r'[|\s:-]+', line)
    ]


def without_comments(code):
    lines = (re.sub(r'(^|\s+)#.*', '', line) for line in code.splitlines())
    return [line for line in lines if line]


def inline_code(text):
    return sorted(re.findall(r'`([^`]+)`', text))


def targets(text):
    """Links and images, without that to the other language."""
    found = re.findall(r'\]\(([^)]+)\)', text)
    return sorted(x for x in found if x not in ('README.md', 'README_zh-CN.md'))


def prose(text):
    """Numbers of a section outside of tables, code and links."""
    lines = [line for line in text.splitlines() if not line.startswith('|')]
    text = re.sub(r'`[^`]+`|\]\([^)]+\)', ' ', '\n'.join(lines))
    return sorted(numbers(text))


def differences(english, chinese):
    """Describe what differs between two texts, one line each."""
    one, other = sections(english), sections(chinese)
    if len(one) != len(other):
        return [f'{len(one)} sections in English, {len(other)} in Chinese']
    found = []
    for a, b in zip(one, other, strict=True):
        title = f'"{a.splitlines()[0]}" / "{b.splitlines()[0]}"'
        for kind in (inline_code, targets, prose):
            x, y = kind(a), kind(b)
            if x != y:
                x, y = [v for v in x if v not in y], [v for v in y if v not in x]
                found.append(f'{title}: {kind.__name__}: {x} is not {y}')
        rows, others = table_rows(a), table_rows(b)
        if len(rows) != len(others):
            found.append(f'{title}: {len(rows)} rows is not {len(others)} rows')
            continue
        for row, (cells, theirs) in enumerate(zip(rows, others, strict=True), 1):
            if len(cells) != len(theirs):
                found.append(f'{title}: row {row}: {cells} is not {theirs}')
                continue
            found += [
                f'{title}: row {row}, column {column}: "{cell}" is not "{their}"'
                for column, (cell, their) in enumerate(
                    zip(cells, theirs, strict=True), 1
                )
                if numbers(cell) != numbers(their)
            ]
    return found


def test_commands_are_equal():
    english, chinese = map(blocks, FILES.values())
    for one, other in zip(english, chinese, strict=False):
        assert one.language == other.language, f'{one} is not {other}'
        same = without_comments(one.code) == without_comments(other.code)
        assert same, f'{one} and {other}:\n{one.code}\nis not\n{other.code}'
    assert len(english) == len(chinese)


def test_figures_links_and_names_are_equal():
    found = differences(*(path.read_text(encoding='utf-8') for path in FILES.values()))
    assert not found, '\n'.join(found)


def test_each_links_to_the_other():
    for language, other in (('en', 'zh'), ('zh', 'en')):
        head = FILES[language].read_text(encoding='utf-8').split('\n## ')[0]
        assert f']({FILES[other].name})' in head


def test_the_translation_is_chinese():
    """No paragraph was left in English."""
    text = CODE.sub('', FILES['zh'].read_text(encoding='utf-8'))
    for paragraph in re.split(r'\n\n', re.sub(r'\]\([^)]+\)|`[^`]+`', '', text)):
        if len(paragraph) > 60 and '|' not in paragraph:
            assert len(re.findall(r'[\u4e00-\u9fff]', paragraph)) > 15, paragraph


TABLE = '| a | b |\n|---|---|\n| 1,200 faces | 94.6 (92.9 to 96.1) |\n'


@pytest.mark.parametrize(
    ('before', 'after', 'message'),
    [
        ('94.6', '94.5', 'row 2, column 2: "94.6 (92.9 to 96.1)" is not "94.5'),
        ('| 1,200 faces', '| 1,300 faces', 'row 2, column 1'),
        ('seed 0', 'seed 1', r"prose: ['0'] is not ['1']"),
        ('`make`', '`make test`', 'inline_code'),
        ('(a.md)', '(b.md)', 'targets'),
        ('## Two', 'Two', '2 sections in English, 1 in Chinese'),
    ],
)
def test_a_difference_is_found(before, after, message):
    text = f'# One\n\n`make` [a](a.md), seed 0\n\n## Two\n\n{TABLE}'
    assert not differences(text, text.replace('faces', '张'))
    (found, *_) = differences(text, text.replace(before, after))
    assert message in found
