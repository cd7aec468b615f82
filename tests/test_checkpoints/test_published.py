import hashlib

import pytest
import torch
from conftest import ROOT
from mmengine import Config
from published_case import backbone_state, published_state, write_published

from mmqcs.checkpoints.reference import architecture
from mmqcs.checkpoints.reference.convert import (
    Target,
    convert_backbone,
    convert_published_file,
)
from mmqcs.checkpoints.reference.recipes import RECIPES, find_recipe
from mmqcs.registry import DATASETS


def shapes(state):
    return {key: tuple(value.shape) for key, value in state.items()}


@pytest.mark.parametrize('recipe', RECIPES, ids=lambda r: r.name)
def test_recipes_are_those_of_the_configs(recipe):
    config = Config.fromfile(ROOT / f'configs/qcs/{recipe.name}.py')
    state = architecture.published_state(recipe.group, len(recipe.classes))
    assert shapes(architecture.model_state(config.model)) == shapes(state)
    assert config.model.cross.attention.group == recipe.group
    dataset = DATASETS.get(config.test_dataloader.dataset.type)
    classes = dataset.METAINFO['classes']
    assert tuple(classes[: len(recipe.classes)]) == recipe.classes


def test_the_best_accuracy_tells_the_dataset():
    assert find_recipe('quadruplet', 7, 92.5033).dataset == 'RAF-DB'
    assert find_recipe('quadruplet', 7, 67.94).dataset == 'AffectNet-7'
    assert find_recipe('pair', 8, 91.41).name == 'dcs_ir50_ferplus'
    assert find_recipe('pair', 8, None, 'dcs_ir50_affectnet8').classes[1] == 'Happy'
    # what the user says counts more
    assert find_recipe('pair', 8, 91.41, 'dcs_ir50_affectnet8').dataset == 'AffectNet-8'


@pytest.mark.parametrize(
    ('given', 'message'),
    [
        (('pair', 7, 90.0), '--recipe dcs_ir50_raf or dcs_ir50_affectnet7'),
        (('quadruplet', 8), '--recipe qcs_ir50_ferplus or qcs_ir50_affectnet8'),
        (('pair', 8, 92.57, 'dcs_ir50_raf'), 'DCS with 8 classes, .* not dcs_ir50_raf'),
        (('pair', 7, 92.57, 'qcs_ir50_raf'), 'DCS with 7 classes, .* not qcs_ir50_raf'),
        (('pair', 6), 'DCS with 6 classes, and no published recipe is'),
    ],
)
def test_a_recipe_that_is_open_or_wrong(given, message):
    with pytest.raises(ValueError, match=message):
        find_recipe(*given)


def test_converted_file(tmp_path):
    path = write_published(tmp_path / 'a.pth', published_state())
    converted = convert_published_file(path)
    meta = converted['meta']
    assert meta['source'] == {
        'file': 'a.pth',
        'sha256': hashlib.sha256(path.read_bytes()).hexdigest(),
        'epoch': 143,
        'best_accuracy': 92.5033,
    }
    assert meta['recipe'] == 'qcs_ir50_raf'
    assert meta['dataset_meta']['classes'][0] == 'Surprise'
    assert len(meta['dropped']) == 34
    state = converted['state_dict']
    assert shapes(state) == shapes(architecture.published_state('quadruplet', 7))


@pytest.mark.parametrize('best', [None, float('nan'), 'high', torch.zeros(2)])
def test_a_best_accuracy_that_is_none(tmp_path, best):
    path = write_published(tmp_path / 'a.pth', published_state(), best)
    with pytest.raises(ValueError, match='name it by --recipe'):
        convert_published_file(path)
    meta = convert_published_file(path, 'qcs_ir50_affectnet7')['meta']
    assert meta['source']['best_accuracy'] is None
    assert meta['dataset_meta']['dataset_name'] == 'AffectNet-7'


def test_files_that_do_not_fit(tmp_path):
    path = tmp_path / 'a.pth'

    def convert(state, **arguments):
        write_published(path, state)
        return convert_published_file(path, **arguments)

    state = published_state()
    state.pop('module.VIT_base.norm.weight')
    with pytest.raises(ValueError, match=r'\(1 of .*neck\.encoder\.norm\S* is missing'):
        convert(state)
    with pytest.raises(ValueError, match=r'1 keys .*extra'):
        convert(published_state() | {'module.extra': torch.zeros(1)})
    with pytest.raises(ValueError, match='with 3 classes'):
        convert(published_state(classes=3))
    with pytest.raises(ValueError, match='published .*fc.weight, but no VIT'):
        convert({'fc.weight': torch.zeros(7, 3)})
    with pytest.raises(ValueError, match='holds no weights'):
        convert({})
    with pytest.raises(ValueError, match="'a' is a list"):
        convert({'a': [1]})
    with pytest.raises(ValueError, match='--recipe and --config'):
        convert(backbone_state(), recipe='qcs_ir50_raf')
    small = Target('small', {'head.fc.weight': torch.zeros(7, 8)}, {})
    with pytest.raises(ValueError, match=r'keys .*: '):
        convert(published_state(), target=small)
    torch.save([1], path)
    with pytest.raises(ValueError, match='holds a list'):
        convert_published_file(path)


@pytest.mark.parametrize('prefix', ['', 'module.'])
@pytest.mark.parametrize('flat', [False, True])
def test_backbone(tmp_path, flat, prefix):
    state = {prefix + key: value for key, value in backbone_state(flat).items()}
    torch.save(state, tmp_path / 'ir50.pth')
    converted = convert_published_file(tmp_path / 'ir50.pth')
    weights = converted['state_dict']
    backbone = architecture.model_state(dict(type='mmqcs.IRNet', depth=50))
    assert shapes(weights) == shapes(backbone)
    dropped = converted['meta']['dropped']
    assert len(dropped) == len(state) - len(weights)
    assert any(key.startswith('output_layer.') for key in dropped)
    assert 'dataset_meta' not in converted['meta']


@pytest.mark.parametrize('flat', [False, True])
def test_backbone_weights_end_where_they_belong(flat):
    state = backbone_state(flat)
    source = 'body.20.res_layer.3.weight' if flat else 'body3.13.res_layer.3.weight'
    state[source] = torch.rand(256, 256, 3, 3)
    weights, _ = convert_backbone(state)
    assert torch.equal(weights['stages.2.13.residual.3.weight'], state[source])


def test_backbones_that_do_not_fit():
    state = backbone_state()
    key = 'body2.0.res_layer.1.weight'
    with pytest.raises(ValueError, match=r'stages\.1\.0\.residual\.1\S* is \(1,\)'):
        convert_backbone(state | {key: torch.zeros(1)})
    with pytest.raises(ValueError, match=r'residual\.5\.fc1\.weight is unknown'):
        convert_backbone(state | {'body1.0.res_layer.5.fc1.weight': torch.zeros(1)})
    with pytest.raises(ValueError, match=r'\(1 of .*stages\.1\.0\S* is missing'):
        convert_backbone({k: v for k, v in state.items() if k != key})
    with pytest.raises(ValueError, match='module.* is unknown'):
        convert_backbone(state | {'module.' + key: state[key]})
