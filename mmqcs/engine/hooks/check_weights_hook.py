"""Loads the weights of a checkpoint completely, or not at all."""

from typing import Any

from mmengine.hooks import Hook
from mmengine.logging import print_log
from mmengine.model import BaseTTAModel, is_model_wrapper
from mmengine.runner import Runner

from mmqcs.checkpoints.weights import check_fit, check_tensors, find_weights
from mmqcs.registry import HOOKS
from mmqcs.utils.publish import TRAIN_ONLY


@HOOKS.register_module()
class CheckWeightsHook(Hook):
    """Refuses a checkpoint that does not fit the model.

    MMEngine loads the weights that fit, warns about the others and goes on, so a test
    can measure a random network. This hook compares keys, shapes and kinds of numbers
    before they are loaded. Wrappers and prefixes of other training programs are
    removed first; see :func:`mmqcs.checkpoints.find_weights`.

    In tests and after ``load_from`` the train-only parts of QCS may be missing. A
    resumed run needs all weights.

    Raises:
        mmqcs.utils.CheckpointError: From the runner: the checkpoint does not fit.

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
        """Check a checkpoint and bring it into MMEngine's form, in place."""
        path = runner._load_from
        model = runner.model
        while is_model_wrapper(model) or isinstance(model, BaseTTAModel):
            model = model.module
        wanted = model.state_dict()
        state = find_weights(checkpoint, path, wanted)
        check_tensors(state, path)
        if not runner._resume:
            wanted, state = _without_absent_parts(wanted, state, path)
        check_fit(state, wanted, path)
        if 'state_dict' not in checkpoint:
            meta = checkpoint.get('meta', {})
            checkpoint.clear()
            checkpoint['meta'] = meta
        checkpoint['state_dict'] = state


def _without_absent_parts(
    wanted: dict[str, Any], state: dict[str, Any], path: str
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Leave out the train-only parts if either side lacks them entirely."""
    sides = [any(k.startswith(TRAIN_ONLY) for k in side) for side in (wanted, state)]
    if all(sides):
        return wanted, state
    if sides[0]:
        print_log(
            f'{path} lacks the cross branch, which is used in training only: it keeps '
            f'its initial weights',
            logger='current',
        )
    return tuple(
        {k: v for k, v in side.items() if not k.startswith(TRAIN_ONLY)}
        for side in (wanted, state)
    )
