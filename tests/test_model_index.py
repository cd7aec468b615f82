"""The models by name; test_wheel.py has them from an installed wheel."""

import mmpretrain
import pytest
import torch
from conftest import ROOT
from modelindex.load_model_index import load

from mmqcs import model_index
from mmqcs.checkpoints import DEFAULT_MODEL
from mmqcs.checkpoints.classifier import load_classifier
from mmqcs.version import __version__


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


def test_the_addresses_of_code_and_weights_have_the_version():
    index = load(str(ROOT / 'model-index.yml'))
    version = f'v{__version__}'
    for collection in index.collections:
        code = collection.data['Code']
        assert code['Version'] == version
        assert f'/tree/{version}/' in code['URL']
    weights = {model.name: model.weights for model in index.models if model.weights}
    assert set(weights) == {DEFAULT_MODEL.stem}
    path = DEFAULT_MODEL.relative_to(ROOT)
    assert weights[DEFAULT_MODEL.stem].endswith(f'/raw/{version}/{path}')


def test_weights_in_the_package_are_loaded_without_network():
    model_index.register_model_index()
    model = mmpretrain.get_model(DEFAULT_MODEL.stem, pretrained=True)
    weights = load_classifier(DEFAULT_MODEL).model.state_dict()
    assert weights.keys() == model.state_dict().keys()
    for name, value in model.state_dict().items():
        assert torch.equal(value, weights[name]), name


def test_a_package_without_its_index_is_named(tmp_path):
    package = tmp_path / 'mmqcs'
    with pytest.raises(FileNotFoundError, match=r'model-index\.yml.*install'):
        model_index._index_folder(package)
    (tmp_path / 'model-index.yml').touch()
    assert model_index._index_folder(package) == tmp_path
    (package / '.mim').mkdir(parents=True)
    (package / '.mim' / 'model-index.yml').touch()
    assert model_index._index_folder(package) == package / '.mim'
