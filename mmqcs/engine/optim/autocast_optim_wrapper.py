"""Mixed precision on any device."""

from typing import Any, Literal

import torch
from mmengine.device import get_device
from mmengine.optim import AmpOptimWrapper, OptimWrapper

from mmqcs.registry import OPTIM_WRAPPERS


def default_dtype(device: str) -> torch.dtype:
    """Return bfloat16 if the device supports it natively, else float16."""
    if device == 'cuda' and not torch.cuda.is_bf16_supported(including_emulation=False):
        return torch.float16
    return torch.bfloat16


@OPTIM_WRAPPERS.register_module()
class AutocastOptimWrapper(AmpOptimWrapper):
    """MMEngine's ``AmpOptimWrapper`` that also runs on the CPU, by default in bfloat16.

    The loss is scaled in float16 only, because bfloat16 has the range of float32.

    Args:
        dtype: ``'bfloat16'`` or ``'float16'``. Defaults to bfloat16 if the device
            supports it natively (CPUs, and GPUs since Ampere), else to float16.
        loss_scale: ``'dynamic'``, a fixed scale, or arguments of ``GradScaler``. Used
            in float16 only.
        **kwargs: Arguments of MMEngine's ``OptimWrapper``.

    Raises:
        ValueError: ``dtype`` is another one, or float16 on the CPU.

    Examples:
        >>> model = torch.nn.Linear(4, 2)
        >>> optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        >>> wrapper = AutocastOptimWrapper(optimizer=optimizer)
        >>> with wrapper.optim_context(model):
        ...     loss = model(torch.rand(3, 4))
        >>> loss.dtype, model.weight.dtype
        (torch.bfloat16, torch.float32)
    """

    def __init__(
        self,
        dtype: str | torch.dtype | None = None,
        loss_scale: Literal['dynamic'] | float | dict = 'dynamic',
        **kwargs: Any,
    ) -> None:
        device = get_device()
        if dtype is None:
            dtype = default_dtype(device)
        elif isinstance(dtype, str):
            dtype = getattr(torch, dtype, None)
        if dtype not in (torch.bfloat16, torch.float16):
            raise ValueError(f"dtype must be 'bfloat16' or 'float16', got {dtype}")
        scaled = dtype == torch.float16
        if scaled and device == 'cpu':
            raise ValueError("dtype 'float16' needs an accelerator; use 'bfloat16'")
        # AmpOptimWrapper's constructor needs an accelerator and builds a scaler for
        # every dtype, so it is not called.
        OptimWrapper.__init__(self, **kwargs)
        self.cast_dtype = dtype
        self._scale_update_param = loss_scale if isinstance(loss_scale, float) else None
        if isinstance(loss_scale, float):
            scaler_args: dict[str, Any] = dict(init_scale=loss_scale)
        else:
            scaler_args = {} if loss_scale == 'dynamic' else dict(loss_scale)
        self.loss_scaler = torch.amp.GradScaler(device, enabled=scaled, **scaler_args)
