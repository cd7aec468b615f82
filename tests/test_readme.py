"""What the README shows is there and loads."""

import re

from conftest import ROOT
from mmengine import Config
from mmengine.optim import build_optim_wrapper

from mmqcs import registry
from mmqcs.engine import SAMOptimWrapper
from mmqcs.registry import MODELS

README = (ROOT / 'README.md').read_text(encoding='utf-8')


def test_named_parts_are_registered():
    names = set(re.findall(r'`mmqcs\.(\w+)`', README))
    assert len(names) > 15
    found = {
        name
        for kind in registry.__all__
        for name in names
        if getattr(registry, kind).get(f'mmqcs.{name}')
    }
    assert names - found <= {'X', 'functional'}


def test_local_links_exist():
    for document in (
        ROOT / 'README.md',
        *ROOT.glob('docs/*.md'),
        *ROOT.glob('configs/*/*.md'),
    ):
        text = document.read_text(encoding='utf-8')
        for target in re.findall(r'\]\((?!https?:|#)([^)#]+)', text):
            assert (document.parent / target).exists(), f'{document}: {target}'


def test_named_programs_exist():
    for program in re.findall(r'(?:python|bash) (tools/\S+)', README):
        assert (ROOT / program).is_file(), program


def test_sam_around_a_stock_recipe():
    """The config in the README, on mmpretrain's own model."""
    code = re.search(r'```python\n(_base_.*?)```', README, flags=re.DOTALL).group(1)
    cfg = Config.fromstring(code, '.py')
    assert cfg.optim_wrapper.optimizer.type == 'SGD'
    model = MODELS.build(dict(cfg.model, _scope_='mmpretrain'))
    wrapper = build_optim_wrapper(model, cfg.optim_wrapper)
    assert isinstance(wrapper, SAMOptimWrapper)
