"""How Sphinx builds the documentation: make docs."""

import importlib.util
import sys
from pathlib import Path

DOCS = Path(__file__).resolve().parent
sys.path[:0] = [str(DOCS / '_ext'), str(DOCS.parent)]

from mmqcs.version import __version__  # noqa: E402

project = 'mmqcs'
author = 'the authors of mmqcs'
project_copyright = 'the authors of mmqcs, Apache 2.0'
version = release = __version__

extensions = [
    'myst_parser',
    'sphinx.ext.autodoc',
    'sphinx.ext.napoleon',
    'repository',
    'model_zoo',
]
exclude_patterns = ['_build', '_ext']

myst_heading_anchors = 3

autodoc_typehints = 'signature'
# names of constants instead of their values, which can be paths of this machine
autodoc_preserve_defaults = True
autodoc_member_order = 'bysource'
autodoc_default_options = {'members': True, 'show-inheritance': True}
# a part that needs MMDetection is described without it, too
if importlib.util.find_spec('mmdet') is None or not importlib.util.find_spec(
    'mmcv._ext'
):
    autodoc_mock_imports = ['mmdet']
napoleon_numpy_docstring = False
# what stands before a colon in "Returns" is no type but part of the sentence
napoleon_use_rtype = False

# references to parts of this package must lead somewhere; those to others cannot be
# looked up without a network
nitpicky = True
nitpick_ignore_regex = [('py:.*', r'(?!mmqcs\.).*')]

html_theme = 'furo'
# the reference lists the packages itself
html_domain_indices = False
html_title = f'mmqcs {release}'
html_static_path = ['_static']
html_css_files = ['site.css']
# links of headings, as on code hosts
html_permalinks_icon = '#'
