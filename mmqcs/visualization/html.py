"""HTML pages in one style, which run nothing and load nothing."""

import base64
from pathlib import Path
from typing import NamedTuple

from jinja2 import Environment, FileSystemLoader


class EmbeddedImage(NamedTuple):
    """An image in a page: its description, and its content as a URL.

    Examples:
        >>> EmbeddedImage.embed(b'<svg/>', 'svg+xml', 'Nothing').source
        'data:image/svg+xml;base64,PHN2Zy8+'
    """

    alt: str
    source: str

    @classmethod
    def embed(cls, content: bytes, kind: str, alt: str) -> 'EmbeddedImage':
        """Embed an encoded image; ``kind`` is the second part of its media type."""
        code = base64.b64encode(content).decode()
        return cls(alt, f'data:image/{kind};base64,{code}')


def render_page(template: Path, **content: object) -> str:
    """Render a template, which imports its parts from ``page.html.jinja``.

    All text in the content is escaped.
    """
    folders = [template.parent, Path(__file__).parent]
    environment = Environment(
        loader=FileSystemLoader(folders),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(template.name).render(content)
