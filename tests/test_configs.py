"""Every config: trains from its data, predicts, and gives every feature stage."""

import pickle
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from conftest import ROOT
from mmengine import Config
from mmengine.optim import build_optim_wrapper
from mmengine.runner import Runner
from mmpretrain.apis import ImageClassificationInferencer
from mmpretrain.datasets import CIFAR10
from mmpretrain.models import ImageClassifier
from modelindex.load_model_index import load

from mmqcs.checkpoints.weights import TRAIN_ONLY
from mmqcs.explain import attention_map, csa_neck, csa_weights
from mmqcs.models import QCSClassifier
from mmqcs.registry import METRICS, MODELS

INDEX = load(str(ROOT / 'model-index.yml'))
# Large models that differ from others in a loss, in their splits or in the weights they
# start from, as test_long_tail_losses.py, test_held_out.py and test_recipes.py show.
LOSSES = ('_focal', '_seesaw', '_logit-adjustment', '_label-smoothing')
VARIANTS = (*LOSSES, '_val', '_affectnet8-pre')
CONFIGS = sorted(
    path.relative_to(ROOT).as_posix()
    for path in (ROOT / 'configs').rglob('*.py')
    # those of detectors: test_det/test_det_configs.py
    if '_base_' not in path.parts and path.parent.name != 'det'
    if not path.stem.endswith(VARIANTS)
)

# layout and number of classes of the drawn faces that stand for a data set
LAYOUTS = {
    'mmqcs.RAFDB': ('rafdb', 7),
    'mmqcs.FERPlus': ('ferplus', 8),
    'mmqcs.AffectNet': ('affectnet', 8),
    'mmqcs.FER2013': ('fer2013', 7),
}


@pytest.fixture(scope='module')
def cifar_root(tmp_path_factory):
    """Noise in the layout of CIFAR-10, 4 images a class."""
    root = tmp_path_factory.mktemp('cifar')
    folder = root / CIFAR10.base_folder
    folder.mkdir()
    rng = np.random.default_rng(0)
    content = {
        'data': rng.integers(0, 256, (40, 3072), dtype=np.uint8),
        'labels': [i % 10 for i in range(40)],
    }
    with pytest.MonkeyPatch.context() as patch:  # the published checksums
        for name in ('train', 'test'):
            (folder / name).write_bytes(pickle.dumps(content))
            patch.setattr(CIFAR10, f'{name}_list', [(name, None)])
        yield root


@pytest.fixture(scope='module')
def folder_root(tmp_path_factory):
    """Noise in a folder a class, 7 classes of 4 images."""
    root = tmp_path_factory.mktemp('folders')
    rng = np.random.default_rng(0)
    for split in ('train', 'val'):
        for name in 'abcdefg':
            (root / split / name).mkdir(parents=True)
            for i in range(4):
                image = rng.integers(0, 256, (40, 30, 3), dtype=np.uint8)
                cv2.imwrite(str(root / split / name / f'{i}.png'), image)
    return root


@pytest.fixture(scope='module', params=CONFIGS)
def cfg(request, drawn_root):
    """A config on a small tree of its data set, without weights that a user has."""
    cfg = Config.fromfile(ROOT / request.param)
    backbone = cfg.model.backbone
    for part in (backbone, backbone.get('module', {}), cfg.model.get('teacher', {})):
        part.pop('init_cfg', None)
    kind = cfg.train_dataloader.dataset.type
    if kind in LAYOUTS:
        root = drawn_root(*LAYOUTS[kind])
    elif kind == 'mmqcs.SynthFER':
        root = ''  # rendered on access
    else:
        roots = {'CIFAR10': 'cifar_root', 'CustomDataset': 'folder_root'}
        root = request.getfixturevalue(roots[kind])
    if kind == 'mmqcs.FER2013':  # the tree has no PublicTest
        cfg.val_dataloader.dataset.split = 'test'
    for split in ('train', 'val', 'test'):
        if loader := cfg.get(f'{split}_dataloader'):
            loader.update(num_workers=0, persistent_workers=False, batch_size=2)
            loader.dataset.data_root = str(root)
    return cfg


@pytest.fixture(scope='module')
def model(cfg):
    if preprocessor := cfg.get('data_preprocessor'):  # as MMEngine's runner does
        cfg.model.setdefault('data_preprocessor', preprocessor)
    model = MODELS.build(cfg.model)
    model.init_weights()
    return model


@pytest.fixture
def classifier(model):
    if not isinstance(model, ImageClassifier):
        # SimSiam has neither head nor test data; its training is tested above
        pytest.skip('learns without labels, so it classifies nothing')
    return model


def first_batch(loader):
    return next(iter(Runner.build_dataloader(loader, seed=0)))


def test_trains_an_iteration_on_its_data(cfg, model):
    batch = first_batch(cfg.train_dataloader)
    model.train()
    wrapper = build_optim_wrapper(model, cfg.optim_wrapper)
    wrapper.hook_installed = True  # the runner's hook, for SAM
    before = {key: p.detach().clone() for key, p in model.named_parameters()}
    passes = 2 if 'SAM' in cfg.optim_wrapper.get('type', '') else 1
    for _ in range(passes):
        logs = model.train_step(batch, wrapper)
    assert torch.isfinite(logs['loss'])
    after = dict(model.named_parameters())
    changed = {key for key in before if not torch.equal(before[key], after[key])}
    assert all(after[key].requires_grad for key in changed)
    parts = {key.partition('.')[0] for key in changed}
    frozen = not any(p.requires_grad for p in model.backbone.parameters())
    assert ('neck' if frozen else 'backbone') in parts


def test_a_batch_is_made_of_groups(cfg, model):
    loader = Runner.build_dataloader(cfg.train_dataloader, seed=0)
    sampler = loader.batch_sampler
    if not hasattr(sampler, 'ring'):
        # stock recipes without groups, whose batches have no rule to keep
        pytest.skip('takes images one by one')
    if isinstance(model, QCSClassifier):
        assert sampler.ring == model.ring
    samples = next(iter(loader))['data_samples']
    labels = torch.cat([sample.gt_label for sample in samples])
    assert sampler.ring.violation(labels.view(sampler.ring.size, -1).tolist()) is None


def test_predicts_its_test_data(cfg, classifier):
    batch = first_batch(cfg.test_dataloader)
    classifier.eval()
    with torch.no_grad():
        predictions = classifier.test_step(batch)
    for prediction in predictions:
        assert prediction.pred_score.shape == (classifier.head.num_classes,)
        assert prediction.pred_score.sum().item() == pytest.approx(1)
    for split in ('val', 'test'):
        metric = cfg[f'{split}_evaluator']
        metric = METRICS.build(metric)
        metric.process(batch, [prediction.to_dict() for prediction in predictions])


def test_the_stock_inferencer_takes_it(cfg, classifier, monkeypatch):
    monkeypatch.setattr(classifier, '_config', cfg, raising=False)  # as get_model does
    inferencer = ImageClassificationInferencer(classifier, device='cpu')
    (result,) = inferencer(np.full((32, 32, 3), 128, np.uint8))
    assert len(result['pred_scores']) == classifier.head.num_classes


@pytest.mark.parametrize('stage', ['backbone', 'neck', 'pre_logits'])
def test_feature_stages(cfg, classifier, stage):
    classifier.eval()
    batch = classifier.data_preprocessor(first_batch(cfg.test_dataloader))
    with torch.no_grad():
        features = classifier.extract_feat(batch['inputs'], stage=stage)
    if stage == 'pre_logits':
        assert features.shape[0] == 2
        assert features.ndim == 2
    else:
        assert isinstance(features, tuple)
        # as tools/visualization/vis_tsne.py of MMPretrain wants it
        outputs = getattr(classifier.backbone, 'out_indices', features)
        assert len(features) <= len(outputs)


def test_shows_what_it_looks_at(cfg, classifier):
    batch = first_batch(cfg.test_dataloader)
    images = classifier.data_preprocessor(batch)['inputs']
    maps = attention_map(classifier, images)
    assert maps.shape[0] == 2
    assert maps.shape[1] >= 3
    assert torch.isfinite(maps).all()


def test_shows_the_weights_of_a_group(cfg, classifier):
    try:
        ring = csa_neck(classifier).ring
    except ValueError:
        pytest.skip('has no cross similarity attention')
    batch = first_batch(dict(cfg.train_dataloader, batch_size=1))
    images = classifier.data_preprocessor(batch)['inputs']
    weights = csa_weights(classifier, images)
    assert weights.shape[1:3] == (ring.size, 1)
    torch.testing.assert_close(weights.sum((-2, -1)), torch.ones(weights.shape[:3]))


def test_every_split_builds(cfg, classifier):
    for split in ('train', 'val', 'test'):
        dataset = Runner.build_dataloader(cfg[f'{split}_dataloader'], seed=0).dataset
        assert len(dataset.CLASSES) == classifier.head.num_classes
        assert dataset[0]['inputs'].shape[0] == 3


def test_parameters_are_those_in_the_metafile(cfg, model):
    """Of what serves at test time, as the model zoo says."""
    name, folder = Path(cfg.filename).stem, Path(cfg.filename).parent.name
    found = [x for x in INDEX.models if x.name == name]
    if folder in ('ablation', 'pretrain'):  # parts of an experiment, not models to use
        assert not found
        return
    (listed,) = found
    parameters = model.named_parameters()
    left_out = (*TRAIN_ONLY, 'teacher.')
    count = sum(p.numel() for key, p in parameters if not key.startswith(left_out))
    assert listed.metadata.data['Parameters'] == count


def test_published_recipe_of_qcs_on_raf_db():
    cfg = Config.fromfile(ROOT / 'configs/qcs/qcs_ir50_raf.py')
    assert cfg.optim_wrapper == dict(
        type='mmqcs.SAMOptimWrapper',
        rho=0.05,
        optimizer=dict(type='Adam', lr=3e-6, weight_decay=0, fused=True),
    )
    assert cfg.train_dataloader.batch_size == 24
    assert cfg.train_cfg.max_epochs == 200
    assert cfg.param_scheduler == dict(type='ExponentialLR', gamma=0.98, by_epoch=True)


def test_published_recipe_of_dcs_on_raf_db():
    cfg = Config.fromfile(ROOT / 'configs/qcs/dcs_ir50_raf.py')
    assert cfg.optim_wrapper.optimizer.lr == 9e-6
    assert cfg.train_dataloader.batch_size == 48
    assert cfg.train_dataloader.batch_sampler == dict(type='mmqcs.PairBatchSampler')
    model = MODELS.build(cfg.model)
    assert model.ring.size == 2
    assert model.cross.encoder.drop.p == 0.2
    assert model.neck.encoder.drop.p == 0
