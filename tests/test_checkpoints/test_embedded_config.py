"""A config inside a checkpoint builds parts on a list and nothing else."""

import inspect
import re
import socket
import sys

import numpy as np
import pytest
import torch
from conftest import ROOT
from mmengine import Config
from mmengine.registry import MODELS as ROOT_MODELS
from mmpretrain.registry import MODELS as STOCK_MODELS
from mmpretrain.registry import TRANSFORMS as STOCK_TRANSFORMS

from mmqcs.apis import FaceClassifier
from mmqcs.checkpoints import ALLOWED_MODELS, ALLOWED_TRANSFORMS, embedded_config
from mmqcs.checkpoints.safe_load import CheckpointError
from mmqcs.registry import MODELS, TRANSFORMS

PIPELINE = 'test_dataloader.dataset.pipeline'
FACE = [np.zeros((64, 64, 3), np.uint8)]


@pytest.fixture(scope='module')
def content():
    """What a small training leaves."""
    config = Config.fromfile(ROOT / 'configs/qcs/qcs_ir-small_synthfer.py')
    model = MODELS.build(config.model)
    meta = {'cfg': config.pretty_text, 'dataset_meta': {'classes': tuple('abcdefg')}}
    return {'meta': meta, 'state_dict': model.state_dict()}


@pytest.fixture
def save(content, tmp_path):
    """Write the checkpoint with another config."""

    def write(config, name='run.pth'):
        text = config if isinstance(config, str) else config.pretty_text
        meta = {**content['meta'], 'cfg': text}
        torch.save({**content, 'meta': meta}, tmp_path / name)
        return tmp_path / name

    return write


@pytest.fixture
def config(content):
    return Config.fromstring(content['meta']['cfg'], '.py')


@pytest.fixture
def trap(tmp_path, monkeypatch):
    """A module on the path that leaves a mark when it is imported or called."""
    mark = tmp_path / 'mark'
    body = (
        f'open({str(mark)!r}, "w").close()\n'
        f'def call(*args, **kwargs): open({str(mark)!r}, "w").close()\n'
    )
    (tmp_path / 'trap.py').write_text(body)
    package = tmp_path / 'trapscope'
    package.mkdir()
    (package / '__init__.py').write_text(body)
    (package / 'registry.py').write_text(body)
    (tmp_path / 'Vig.py').write_text(body)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)

    def refuse(*args, **kwargs):
        mark.write_text('network')
        raise OSError('no network')

    monkeypatch.setattr(socket.socket, 'connect', refuse)
    monkeypatch.setattr(socket, 'getaddrinfo', refuse)
    yield mark
    for name in ('trap', 'trapscope', 'trapscope.registry', 'Vig'):
        sys.modules.pop(name, None)


CALL = {'type': 'os.mkdir', 'path': 'mark'}
HOSTILE = {
    'transform': {f'{PIPELINE}.1': CALL},
    'nested transform': {
        f'{PIPELINE}.1': {'type': 'RandomApply', 'transforms': [CALL]},
        f'{PIPELINE}.2': {'type': 'PackInputs', 'meta_keys': [CALL]},
    },
    'module transform': {f'{PIPELINE}.1': {'type': 'trap.call'}},
    'bare module transform': {f'{PIPELINE}.1': {'type': 'trap'}},
    'scope of a transform': {f'{PIPELINE}.1': {'type': 'trapscope.Resize'}},
    'scope key': {f'{PIPELINE}.1': {'type': 'Resize', '_scope_': 'trapscope'}},
    'remote loading': {
        f'{PIPELINE}.0': {
            'type': 'LoadImageFromFile',
            'backend_args': {'backend': 'http'},
        }
    },
    'file client': {
        f'{PIPELINE}.0': {
            'type': 'LoadImageFromFile',
            'file_client_args': {'backend': 'petrel'},
        }
    },
    'backbone': {'model.backbone': CALL},
    'model': {'model': CALL},
    'module': {'model': {'type': 'trap.call'}},
    'scope': {'model.backbone': {'type': 'trapscope.ResNet', 'depth': 18}},
    'model scope key': {'model._scope_': 'trapscope'},
    'norm': {
        'model.backbone': {'type': 'ResNet', 'depth': 18, 'norm_cfg': {'type': 'trap'}}
    },
    'loss': {'model.head.loss': CALL},
    'neck': {'model.neck': [{'type': 'trap.call'}]},
    'preprocessor': {'model.data_preprocessor': {'type': 'trap.call'}},
    'type that is no name': {'model.backbone.type': ['os', 'system']},
    'name inside the packages': {'model.backbone.type': 'mmengine.os.mkdir'},
    'hub': {'model.backbone': {'type': 'TIMMBackbone', 'model_name': 'hf-hub:a/b'}},
    'hub of a model': {'model': {'type': 'HuggingFaceClassifier', 'model_name': 'a'}},
    'pretrained': {
        'model.backbone': {'type': 'ResNet', 'depth': 18, 'pretrained': 'http://a/b'}
    },
    'custom imports': {'custom_imports': {'imports': ['trap']}},
    'default scope': {'default_scope': 'trapscope'},
    'dataset': {'test_dataloader.dataset.type': 'trap.call'},
    'dataset scope': {'test_dataloader.dataset.type': 'trapscope.RAFDB'},
    'module that no package registers': {'model.backbone': {'type': 'mmqcs.trap'}},
}


@pytest.mark.parametrize('name', HOSTILE)
def test_hostile_settings_are_refused_before_anything_runs(name, config, save, trap):
    for key, value in HOSTILE[name].items():
        *path, last = key.split('.')
        place = config
        for part in path:
            place = place[part]
        place[int(last) if last.isdigit() else last] = value
    path = save(config)
    with pytest.raises(CheckpointError, match=r'run\.pth.* of its config'):
        FaceClassifier(path)
    assert not trap.exists()


@pytest.mark.parametrize(
    'text',
    [
        'import trap',
        'model = __import__("trap")',
        'model = dict(**trap.call())',
        'model = [x for x in trap.call()]',
        'model = ' + '[' * 500 + ']' * 500,
        'model = ' + '-' * 100_000 + '1',
        'model = {[]: 1}',
        'model = {{}}',
        'filename = "a"',
        'text = 1\nmodel = dict(type="ImageClassifier")',
        '',
        'model = None',
        'model = 5',
        'model = dict(type="ImageClassifier")\ntest_dataloader = 3',
        'model = dict(type="ImageClassifier")\n'
        'test_dataloader = dict(dataset=dict(pipeline=[dict(scale=3)]))',
        'model = dict(type="ImageClassifier")\n'
        'test_dataloader = dict(dataset=dict(pipeline="abc"))',
        'model = dict(type="IRNet")\x00',
    ],
)
def test_a_text_that_is_no_config_of_a_classifier(text, save, trap):
    path = save(text)
    with pytest.raises(CheckpointError, match=r'run\.pth: .'):
        FaceClassifier(path)
    assert not trap.exists()


def test_initial_weights_are_neither_read_nor_fetched(config, save, content, trap):
    """The weights of the file replace them, so such a checkpoint still loads."""
    expected = FaceClassifier(save(config, 'plain.pth'))(FACE)
    remote = {'type': 'Pretrained', 'checkpoint': 'http://localhost/a.pth'}
    config.model.init_cfg = remote
    config.model.backbone.init_cfg = [{'type': 'trap.call'}, remote]
    config.model.pretrained = 'torchvision://resnet50'
    np.testing.assert_array_equal(FaceClassifier(save(config))(FACE), expected)
    assert not trap.exists()


def test_what_only_training_needs_is_not_looked_at(config, save, trap):
    config.custom_hooks = [{'type': 'trap.call'}]
    config.train_dataloader.dataset = {'type': 'trap.call'}
    config.visualizer = {'type': 'trap.call'}
    config.load_from = 'http://localhost/a.pth'
    config.env_cfg = {'type': 'trap.call'}
    FaceClassifier(save(config))
    assert not trap.exists()


def test_trust_builds_what_the_config_names_and_says_so(config, save, trap):
    config.model.backbone = {'type': 'trap.call'}
    path = save(config)
    with (
        pytest.warns(UserWarning, match=r'run\.pth is trusted.*any code'),
        pytest.raises(CheckpointError),
    ):
        FaceClassifier(path, trust=True)
    assert trap.exists()


@pytest.mark.parametrize(
    'recipe', ['trap.py', './trap.py', 'qcs_ir99', '../trap', 'resnet18_8xb32_in1k']
)
def test_only_published_recipes_are_looked_up(recipe, content, tmp_path, trap):
    path = tmp_path / 'run.pth'
    torch.save({**content, 'meta': {'recipe': recipe}}, path)
    with pytest.raises(CheckpointError, match=re.escape(repr(recipe))):
        FaceClassifier(path)
    assert not trap.exists()


def test_the_lists_hold_registered_parts():
    """Else the registry would import a module of that name."""
    for registry, stock, allowed in (
        (MODELS, STOCK_MODELS, ALLOWED_MODELS),
        (TRANSFORMS, STOCK_TRANSFORMS, ALLOWED_TRANSFORMS),
    ):
        registry.import_from_location()
        stock.import_from_location()
        assert allowed['mmqcs'] <= set(registry.module_dict)
        known = {*stock.module_dict, *stock.parent.module_dict}
        # a few of the stock parts exist in one line of OpenMMLab alone
        assert allowed['mmpretrain'] - known <= {'MMSyncBN', 'Clamp'}


def test_no_listed_part_reads_or_fetches():
    """The sources of the classes call nothing that opens, loads, fetches or imports."""
    calls = re.compile(
        r'\b(_?load_checkpoint\w*|from_pretrained|load_state_dict_from_url|eval|exec'
        r'|import_module|__import__|open|urlopen|requests|torch\.load|torch\.hub'
        r'|list_from_file|get_file_backend|MODELS\.get)\('
    )
    found = []
    for own, stock, allowed in (
        (MODELS, STOCK_MODELS, ALLOWED_MODELS),
        (TRANSFORMS, STOCK_TRANSFORMS, ALLOWED_TRANSFORMS),
    ):
        for family, names in allowed.items():
            for name in names - {'LoadImageFromFile'}:
                registry = own if family == 'mmqcs' else stock
                part = registry.get(name)
                module = getattr(part, '__module__', '')
                if part is None or not module.startswith(('mm', 'mmqcs')):
                    continue  # layers of torch and transforms of torchvision
                source = inspect.getsource(part).replace('.eval()', '')
                found += [(name, match[0]) for match in calls.finditer(source)]
    # asks the registry whether the neck of its own config is the pyramid
    assert not [x for x in found if x != ('QCSClassifier', 'MODELS.get(')]


def test_the_recipes_are_read_back():
    """All but a head that reads files, and backbones that ask a hub."""
    refused = []
    for path in sorted(ROOT.glob('configs/*/*.py')):
        if 'det' in path.parts:  # needs MMDetection
            continue
        config = Config.fromfile(path)
        if config.get('test_dataloader') is None:
            continue
        try:
            embedded_config(config.pretty_text, 'a.pth')
        except CheckpointError:
            refused.append(path.stem)
    assert refused == [
        'dcs_timm-regnety-002_raf',
        'qcs_timm-regnety-002_raf',
        'arcface_ir-small_synthfer',
    ]


def test_the_root_registry_is_the_parent():
    assert MODELS.parent is ROOT_MODELS
