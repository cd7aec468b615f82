"""The numbers that the published implementation computes, for the same weights."""

import copy

import numpy as np
import pytest
import torch
from conftest import ROOT
from mmengine import Config
from mmpretrain.structures import DataSample
from reference_case import DATA, images, weights

from mmqcs.checkpoints.reference.keys import convert_reference_state_dict, reference_key
from mmqcs.engine import SAMOptimWrapper
from mmqcs.registry import MODELS


class Case:
    """One parity file, the model of its config, and its batch of groups."""

    def __init__(self, name, config, device='cpu'):
        self.data = dict(np.load(DATA / f'{name}.npz'))
        cfg = Config.fromfile(ROOT / f'configs/qcs/{config}.py').model
        for encoder in (cfg.neck.encoder, cfg.cross.encoder):
            encoder.drop_rate = 0.0
        self.model = MODELS.build(cfg)
        converted = convert_reference_state_dict(
            weights(f'{name}_keys.json'), self.model.state_dict()
        )
        assert not converted.missing
        self.state = converted.state_dict
        anchor, negative = self.data['anchor_label'], self.data['negative_label']
        slots = self.model.ring.classes()
        labels = np.concatenate([(anchor, negative)[slot] for slot in slots])
        self.samples = [DataSample().set_gt_label(int(i)) for i in labels]
        self.images = images(self.model.ring.size)
        self.device = device

    def start(self):
        self.model.load_state_dict(copy.deepcopy(self.state))
        self.model.zero_grad()
        return self.model.float().to(self.device).train()

    def loss(self):
        images = self.images.to(next(self.model.parameters()))
        losses = self.model(images, self.samples, mode='loss')
        return self.model.parse_losses(losses)[0]

    def eval_logits(self):
        self.model.eval()
        with torch.no_grad():
            return self.model(self.images[:2].to(self.device)).cpu().numpy()


CASES = {
    'qcs_raf': 'qcs_ir50_raf',
    'dcs_raf': 'dcs_ir50_raf',
    'dcs_ferplus': 'dcs_ir50_ferplus',
}


@pytest.fixture(scope='module', params=CASES.items(), ids=CASES)
def case(request):
    return Case(*request.param)


def test_eval_logits(case):
    case.start()
    np.testing.assert_allclose(case.eval_logits(), case.data['eval_logits'], atol=1e-4)


def test_training_forward_and_backward(case):
    """In double precision: rounding differs by thread count and version of torch.

    The published gradients, of single precision, are up to 0.0008 of their norm away.
    """
    model, data = case.start().double(), case.data
    logits = []
    hooks = [
        head.register_forward_hook(lambda *args: logits.append(args[-1]))
        for head in (model.head, model.cross.head)
    ]
    loss = case.loss()
    for hook in hooks:
        hook.remove()
    loss.backward()
    assert loss.item() == pytest.approx(float(data['loss']), abs=1e-4)
    logits = torch.cat(logits).detach().cpu().unflatten(0, (-1, 2))
    np.testing.assert_allclose(logits, data['train_logits'], atol=1e-4)

    parameters = dict(model.named_parameters())
    names = [reference_key(str(key)) for key in data['grad_names']]
    assert set(names) == set(parameters)
    norms = [parameters[name].grad.norm().item() for name in names]
    np.testing.assert_allclose(norms, data['grad_norm'], rtol=1e-3)
    for name, norm, head in zip(names, norms, data['grad_head'], strict=True):
        start = parameters[name].grad.flatten()[:4].cpu()
        np.testing.assert_allclose(
            start, head[: len(start)], rtol=1e-3, atol=1e-3 * norm, err_msg=name
        )

    buffers = dict(model.named_buffers())
    for kind in ('mean', 'var'):
        names = [
            reference_key(str(key)).replace('running_mean', f'running_{kind}')
            for key in data['bn_names']
        ]
        norms = [buffers[name].norm().item() for name in names]
        np.testing.assert_allclose(norms, data[f'bn_running_{kind}_norm'], rtol=1e-5)


def test_two_iterations_of_sam(case):
    model, data = case.start(), case.data
    wrapper = SAMOptimWrapper(
        rho=0.05, optimizer=torch.optim.Adam(model.parameters(), lr=1e-4)
    )
    wrapper.hook_installed = True
    losses = np.zeros((2, 2))
    for step in range(2):
        for phase in range(2):
            loss = case.loss()
            losses[step, phase] = loss.item()
            wrapper.update_params(loss)
    np.testing.assert_allclose(losses, data['sam_losses'], rtol=2e-3)
    parameters = dict(model.named_parameters())
    norms = [
        parameters[reference_key(str(k))].norm().item() for k in data['grad_names']
    ]
    np.testing.assert_allclose(norms, data['sam_param_norm'], rtol=1e-3)
    np.testing.assert_allclose(case.eval_logits(), data['sam_eval_logits'], atol=1e-2)
