"""``torch.compile`` for classifiers of MMPretrain."""

from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner

from mmqcs.models.compilation import compile_blocks
from mmqcs.registry import HOOKS


@HOOKS.register_module()
class CompileHook(Hook):
    """Compiles backbone, neck and head before a training.

    It is for ``ImageClassifier`` and other classifiers of MMPretrain. The runner's own
    ``compile=True`` traces data and optimiser as well, which fails with mixed precision
    in some versions of PyTorch. :class:`.FERClassifier` has the option ``compile``,
    which replays CUDA graphs in addition.

    Raises:
        TypeError: Before the training, if the model has none of these parts.

    Examples:
        >>> from mmqcs.registry import HOOKS
        >>> custom_hooks = [dict(type='mmqcs.CompileHook')]
        >>> hook = HOOKS.build(custom_hooks[0])
    """

    def before_train(self, runner: Runner) -> None:
        """Compile the parts, which happens at their first use."""
        model = runner.model
        compile_blocks(model.module if is_model_wrapper(model) else model)
