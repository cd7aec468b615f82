"""Lets pages use the files of the repository that lie outside of docs/.

The pages are also read on code hosts, so their links are plain relative paths. In the
built site

- a page that is nothing but a link to a Markdown file, such as
  ``[How to contribute](../CONTRIBUTING.md)``, shows that file;
- links to such a file lead to that page;
- links to any other file of the repository lead to a page with its text, and of a
  notebook with that of its cells.
"""

import json
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from docutils import nodes
from pygments.lexers import get_lexer_for_filename
from pygments.util import ClassNotFound
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util.nodes import make_refnode

_STUB = re.compile(r'\[[^\]]+\]\(([^)\s]+\.md)\)\s*')
_FENCE = re.compile(r'(^```.*?^```$)', re.DOTALL | re.MULTILINE)
_LINK = re.compile(r'(?<=\]\()(?![a-z]+:|#)([^)#\s]+)')
_FOLDER = '_files'


def map_links(text: str, change: Callable[[str], str]) -> str:
    """Changes the paths of relative links and images, but not code.

    Args:
        text: Markdown.
        change: From the path of a link, without its anchor, to another one.
    """
    parts = _FENCE.split(text)
    parts[::2] = [_LINK.sub(lambda m: change(m[1]), part) for part in parts[::2]]
    return ''.join(parts)


def shown_files(docs: Path) -> dict[Path, Path]:
    """Finds the files that are shown as pages.

    Args:
        docs: Folder of the pages.

    Returns:
        From each such file to its page.
    """
    shown = {}
    for page in docs.rglob('*.md'):
        if match := _STUB.fullmatch(page.read_text(encoding='utf-8')):
            shown[(page.parent / match[1]).resolve()] = page
    return shown


def read_page(app: Sphinx, docname: str, source: list[str]) -> None:
    """Puts the file in the place of a page that links to it; points links to pages."""
    page = Path(app.env.doc2path(docname))
    if page.suffix != '.md':
        return
    shown = shown_files(app.srcdir)
    folder, text = page.parent, source[0]
    for file, stub in shown.items():
        if stub == page:
            app.env.note_dependency(str(file))
            folder, text = file.parent, file.read_text(encoding='utf-8')

    def change(path: str) -> str:
        target = (folder / path).resolve()
        return os.path.relpath(shown.get(target, target), page.parent)

    source[0] = map_links(text, change)


def take_files(app: Sphinx, doctree: nodes.document) -> None:
    """Turns downloads of files outside of docs/ into references to their pages."""
    env = app.env
    root = app.srcdir.parent
    found = env.repository_files[env.docname] = set()
    for node in list(doctree.findall(addnodes.download_reference)):
        _, path = env.relfn2path(node['reftarget'], env.docname)
        name = os.path.relpath(path, root)
        if Path(path).is_relative_to(app.srcdir) or name.startswith('..'):
            continue
        found.add(name)
        env.note_dependency(path)
        link = addnodes.pending_xref(
            '',
            *node.children,
            refdomain='',
            reftype='repository-file',
            reftarget=name,
            refdoc=env.docname,
        )
        node.replace_self(link)


def resolve_file(
    app: Sphinx, env: BuildEnvironment, node: addnodes.pending_xref, content: Any
) -> nodes.Node | None:
    """Links to the page of a file."""
    if node['reftype'] != 'repository-file':
        return None
    if app.builder.format != 'html':
        return content
    target = f'{_FOLDER}/{node["reftarget"]}'
    return make_refnode(app.builder, node['refdoc'], target, '', content)


def file_pages(app: Sphinx) -> Iterator[tuple[str, dict[str, Any], str]]:
    """Makes the pages of files: name, what the template needs, template."""
    for name in sorted(set().union(*app.env.repository_files.values())):
        text = (app.srcdir.parent / name).read_text(encoding='utf-8')
        try:
            lexer = get_lexer_for_filename(name).aliases[0]
        except ClassNotFound:
            lexer = 'text'
        parts = _cells(text) if name.endswith('.ipynb') else [(text, lexer)]
        highlight = app.builder.highlighter.highlight_block
        # forced, because magics of notebooks are not Python
        blocks = [
            f'<div class="{lexer}-file">{highlight(text, lexer, force=True)}</div>'
            for text, lexer in parts
        ]
        body = '\n'.join([f'<h1>{name}</h1>', *blocks])
        yield f'{_FOLDER}/{name}', {'title': name, 'body': body}, 'page.html'


def _cells(notebook: str) -> list[tuple[str, str]]:
    """Reads the cells of a notebook: text and name of a lexer."""
    lexers = {'code': 'python', 'markdown': 'markdown'}
    return [
        (''.join(cell['source']), lexers[cell['cell_type']])
        for cell in json.loads(notebook)['cells']
    ]


def purge(app: Sphinx, env: BuildEnvironment, docname: str) -> None:
    """Forgets a page that is read again."""
    if not hasattr(env, 'repository_files'):
        env.repository_files = {}
    env.repository_files.pop(docname, None)


def setup(app: Sphinx) -> dict[str, Any]:
    """Registers the extension."""
    app.connect('env-purge-doc', purge)
    app.connect('source-read', read_page)
    # before Sphinx copies what can be downloaded
    app.connect('doctree-read', take_files, priority=400)
    app.connect('missing-reference', resolve_file)
    app.connect('html-collect-pages', file_pages)
    return {'env_version': 1, 'parallel_read_safe': False}
