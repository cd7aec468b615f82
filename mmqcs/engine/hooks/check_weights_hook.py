"""Loads all weights of a checkpoint, or none."""

from pathlib import Path
from typing import Any

from mmengine.hooks import Hook
from mmengine.logging import print_log
from mmengine.model import BaseTTAModel, is_model_wrapper
from mmengine.runner import CheckpointLoader, Runner
from torch import nn

from mmqcs.checkpoints.safe_load import CheckpointError
from mmqcs.checkpoints.weights import (
    check_fit,
    check_tensors,
    find_weights,
    without_train_only,
)
from mmqcs.registry import HOOKS


@HOOKS.register_module()
class CheckWeightsHook(Hook):
    """Refuses a checkpoint that does not fit the model.

    MMEngine loads the weights that fit and only warns about the others, so a test can
    measure a random network. This hook compares keys, shapes and number types before
    the weights are loaded. Wrappers and prefixes of other training programs are removed
    first; see :func:`mmqcs.checkpoints.find_weights`.

    In tests and with ``load_from``, the train-only parts of QCS may be missing. A
    resumed run needs all weights.

    A file named by the ``init_cfg`` of a module (``type='Pretrained'``) must have all
    weights of that module. It may have others, such as the head of another task.

    Raises:
        CheckpointError: From the runner: the checkpoint does not fit.

    Examples:
        >>> from types import SimpleNamespace
        >>> import torch
        >>> model = torch.nn.Linear(2, 1, bias=False)
        >>> runner = SimpleNamespace(model=model, _load_from='a.pth', _resume=False)
        >>> checkpoint = {'net': {'module.weight': torch.ones(1, 2)}}
        >>> CheckWeightsHook().after_load_checkpoint(runner, checkpoint)
        >>> checkpoint
        {'meta': {}, 'state_dict': {'weight': tensor([[1., 1.]])}}
    """

    # before EMAHook takes the weights
    priority = 'VERY_HIGH'

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict[str, Any]) -> None:
        """Check a checkpoint and convert it to MMEngine's format, in place."""
        path = runner._load_from
        model = runner.model
        while is_model_wrapper(model) or isinstance(model, BaseTTAModel):
            model = model.module
        wanted = model.state_dict()
        state = find_weights(checkpoint, path, wanted)
        check_tensors(state, path)
        kept = without_train_only(wanted), without_train_only(state)
        absent = [len(a) == len(b) for a, b in zip(kept, (wanted, state), strict=True)]
        if any(absent) and not runner._resume:
            wanted, state = kept
            if absent == [False, True]:
                print_log(
                    f'{path} lacks the cross branch, which is used in training only. '
                    f'The branch keeps its initial weights',
                    logger='current',
                )
        check_fit(state, wanted, path)
        if 'state_dict' not in checkpoint:
            meta = checkpoint.get('meta', {})
            checkpoint.clear()
            checkpoint['meta'] = meta
        checkpoint['state_dict'] = state

    def before_train(self, runner: Runner) -> None:
        """Check that files of ``init_cfg`` have all weights of their modules."""
        if runner._has_loaded:
            return
        for name, module in runner.model.named_modules():
            settings = getattr(module, 'init_cfg', None) or []
            for cfg in settings if isinstance(settings, list) else [settings]:
                kind = cfg.get('type')
                kind = kind if isinstance(kind, str) else kind.__name__
                path = cfg.get('checkpoint')
                if kind.endswith('Pretrained') and Path(path).expanduser().is_file():
                    _check_initial(module, name, path, cfg.get('prefix'))


def _check_initial(module: nn.Module, name: str, path: str, prefix: str | None) -> None:
    state = find_weights(CheckpointLoader.load_checkpoint(path, 'cpu'), path)
    if prefix:
        start = prefix.removesuffix('.') + '.'
        state = {k[len(start) :]: state[k] for k in state if k.startswith(start)}
    # modules that also load weights under other names rename them here
    for hook in module._load_state_dict_pre_hooks.values():
        hook(state, '', {}, True, [], [], [])
    # Files of old versions of PyTorch have no num_batches_tracked. LoRA renames layers
    # and adds matrices to them, but loads them before that.
    wanted = [
        key.replace('.original_layer.', '.')
        for key in module.state_dict()
        if not key.endswith('num_batches_tracked') and '.lora_' not in key
    ]
    missing = [key for key in wanted if key not in state]
    if missing:
        raise CheckpointError(
            f'{path} lacks {len(missing)} weights of {name or "the model"}, among them '
            f'{", ".join(missing[:3])}. They would stay random. Set prefix in init_cfg '
            f'if the keys of the file have one, or choose a file of this network'
        )
