"""Build hook of mmqcs; the metadata is in setup.cfg.

Configs, tools and the model index lie outside the package, where a reader
expects them, but OpenMMLab's ``mim`` and ``mmpretrain.get_model`` look for
them in ``mmqcs/.mim``. A wheel gets a copy there, an editable install links.
"""

import configparser
import os
import re
import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

ROOT = Path(__file__).resolve().parent
MIM_CONTENT = ('configs', 'tools', 'model-index.yml')


class BuildPyWithMim(build_py):
    """Build the modules, then fill ``mmqcs/.mim``."""

    def run(self) -> None:
        """Run the command."""
        super().run()
        parent = ROOT if self.editable_mode else Path(self.build_lib)
        mim = parent / 'mmqcs' / '.mim'
        shutil.rmtree(mim, ignore_errors=True)
        mim.mkdir(parents=True)
        for source in (ROOT / name for name in MIM_CONTENT):
            if self.editable_mode:
                os.symlink(os.path.relpath(source, mim), mim / source.name)
            elif source.is_dir():
                ignore = shutil.ignore_patterns('__pycache__')
                shutil.copytree(source, mim / source.name, ignore=ignore)
            else:
                shutil.copy2(source, mim)


def long_description() -> str:
    """Return the README with links that also work on the page of a package index."""
    settings = configparser.ConfigParser()
    settings.read(ROOT / 'setup.cfg', encoding='utf-8')
    address = settings['metadata']['url']
    version = (ROOT / 'mmqcs/version.py').read_text(encoding='utf-8').split("'")[1]
    text = (ROOT / 'README.md').read_text(encoding='utf-8')
    for image, view in (('!', 'raw'), ('', 'blob')):
        relative = rf'({image}\[[^]]*\]\()(?![a-z]+:|#)'
        text = re.sub(relative, rf'\1{address}/{view}/v{version}/', text)
    return text


setup(cmdclass={'build_py': BuildPyWithMim}, long_description=long_description())
