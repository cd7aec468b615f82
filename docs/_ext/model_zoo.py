"""The table of models, made of model-index.yml when the pages are built.

``{model-zoo} qcs`` stands for the models whose configs lie in configs/qcs.
"""

import os
from pathlib import Path
from typing import Any, ClassVar

from docutils import nodes
from docutils.statemachine import StringList
from modelindex.load_model_index import load
from modelindex.models.Model import Model
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

_INDEX = 'model-index.yml'
_NONE = '\N{EN DASH}'


def scaled(number: float | None, unit: float, digits: int) -> str:
    """A count in a unit: 40700039 → 40.7 million."""
    return _NONE if number is None else f'{number / unit:.{digits}f}'


def accuracy(model: Model, source: str) -> str:
    """Top-1 accuracy that is from a source, in percent.

    Args:
        model: Entry of the index.
        source: ``'paper'`` or ``'measured'``.
    """
    for result in model.results or ():
        if model.metadata.data['Source of Results'] == source:
            return f'{result.metrics["Top 1 Accuracy"]:.2f}'
    return _NONE


def row(model: Model, folder: str) -> dict[str, str]:
    """The cells of a model, by the titles of their columns.

    Args:
        model: Entry of the index.
        folder: From the page to the root of the repository.
    """
    data = model.metadata.data
    return {
        'config': f'[{model.name}]({folder}/{model.config})',
        'data': str(data['Training Data']),
        'epochs': str(data.get('Epochs', _NONE)),
        'parameters (M)': scaled(data.get('Parameters'), 1e6, 1),
        'multiply-adds (G)': scaled(data.get('FLOPs'), 1e9, 2),
        'published': accuracy(model, 'paper'),
        'measured': accuracy(model, 'measured'),
    }


def table(root: Path, kind: str, folder: str) -> list[str]:
    """Lines of a Markdown table, without columns that nothing is known for.

    Args:
        root: Root of the repository.
        kind: Folder of configs.
        folder: From the page to the root of the repository.

    Raises:
        ValueError: There are no models in this folder of configs.
    """
    index = load(str(root / _INDEX))
    models = [m for m in index.models if m.config.startswith(f'configs/{kind}/')]
    if not models:
        raise ValueError(f'{_INDEX} lists no model with a config in configs/{kind}')
    rows = [row(model, folder) for model in models]
    titles = [key for key in rows[0] if any(cells[key] != _NONE for cells in rows)]
    lines = [titles, ['---'] * len(titles)]
    lines += [[cells[key] for key in titles] for cells in rows]
    return ['| ' + ' | '.join(line) + ' |' for line in lines]


class ModelZoo(SphinxDirective):
    """Puts the table in the place of the directive."""

    required_arguments: ClassVar[int] = 1

    def run(self) -> list[nodes.Node]:
        """Make the table."""
        root = self.env.srcdir.parent
        for path in (root / _INDEX, *root.glob('configs/*/metafile.yml')):
            self.env.note_dependency(str(path))
        page = Path(self.env.doc2path(self.env.docname)).parent
        kind = self.arguments[0]
        try:
            lines = table(root, kind, os.path.relpath(root, page))
        except ValueError as error:
            raise self.error(str(error)) from error
        parent = nodes.container(classes=['model-zoo'])
        self.state.nested_parse(StringList(lines, source=_INDEX), 0, parent)
        return [parent]


def setup(app: Sphinx) -> dict[str, Any]:
    """Registers the directive."""
    app.add_directive('model-zoo', ModelZoo)
    return {'parallel_read_safe': True}
