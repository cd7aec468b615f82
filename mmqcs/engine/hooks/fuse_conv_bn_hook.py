"""Folds BatchNorm into convs before a test."""

from mmcv.cnn import fuse_conv_bn
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner

from mmqcs.registry import HOOKS


@HOOKS.register_module()
class FuseConvBNHook(Hook):
    """Folds each BatchNorm into the conv before it, after the weights are loaded.

    Predictions stay the same except for rounding. Use it in tests only: the model
    cannot be trained afterwards, and its state dict has other keys.

    Examples:
        >>> from types import SimpleNamespace
        >>> from torch import nn
        >>> conv = nn.Conv2d(3, 8, 3, bias=False)
        >>> model = nn.Sequential(conv, nn.BatchNorm2d(8)).eval()
        >>> runner = SimpleNamespace(model=model)
        >>> FuseConvBNHook().before_test(runner)  # as a runner does
        >>> [type(layer).__name__ for layer in model], model[0].bias is not None
        (['Conv2d', 'Identity'], True)
    """

    def before_test(self, runner: Runner) -> None:
        """Fuse the model of the runner in place."""
        model = runner.model
        fuse_conv_bn(model.module if is_model_wrapper(model) else model)
