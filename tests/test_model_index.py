"""The models by name; test_wheel.py has them from an installed wheel."""

import pytest
from conftest import ROOT
from modelindex.load_model_index import load

from mmqcs import model_index


def test_every_config_is_in_the_index_under_its_name():
    index = load(str(ROOT / 'model-index.yml'))
    index.build_models_with_collections()
    listed = {model.name: model.config for model in index.models}
    # detectors are not for MMPretrain's get_model
    configs = [p for d in ('qcs', 'mix') for p in (ROOT / 'configs' / d).glob('*.py')]
    assert listed == {path.stem: str(path.relative_to(ROOT)) for path in configs}
    readmes = [collection.readme for collection in index.collections]
    assert len(readmes) == 2
    assert all((ROOT / readme).is_file() for readme in readmes)


def test_a_package_without_its_index_is_named(tmp_path):
    package = tmp_path / 'mmqcs'
    with pytest.raises(FileNotFoundError, match=r'model-index\.yml.*install'):
        model_index._index_folder(package)
    (tmp_path / 'model-index.yml').touch()
    assert model_index._index_folder(package) == tmp_path
    (package / '.mim').mkdir(parents=True)
    (package / '.mim' / 'model-index.yml').touch()
    assert model_index._index_folder(package) == package / '.mim'
