"""Backbone whose weights are frozen, with trainable matrices of low rank."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch.nn as nn
from mmengine.model import BaseModule
from mmpretrain.models.peft.lora import LoRALinear

from mmqcs.registry import MODELS


@MODELS.register_module()
class LoRABackbone(BaseModule):
    """Backbone with low-rank adaptation (LoRA, Hu et al., ICLR 2022).

    The weights of the backbone are frozen. Each linear layer among the targets gets the
    product of two trainable matrices of rank r, scaled by ``alpha / r``. At first the
    product is 0.

    The layers are MMPretrain's. Its ``LoRAModel`` stores only the matrices, so its
    checkpoints work only where the pretrained file is, and it reads that file whenever
    the model is built, also for inference. Here checkpoints hold all weights, and the
    file is read by ``init_weights``, when a training starts.

    Args:
        module: Config of the backbone. Its ``init_cfg`` names the pretrained weights.
        alpha: Scale of the product.
        rank: Rank r, at least 1.
        drop_rate: Dropout before the product.
        targets: Ends of the names of linear layers. Regular expressions, which
            ``LoRAModel`` takes, can take forever to match, and configs can come from
            files of unknown origin.

    Raises:
        ValueError: The rank is below 1, a target is not a name, or no layer is among
            the targets.

    Examples:
        >>> import torch
        >>> vit = dict(type='VisionTransformer', arch='deit-tiny', out_type='raw')
        >>> backbone = LoRABackbone(vit, rank=4, targets=('qkv',))
        >>> backbone(torch.rand(1, 3, 224, 224))[-1].shape
        torch.Size([1, 197, 192])
        >>> sum(p.numel() for p in backbone.parameters() if p.requires_grad)
        36864
    """

    def __init__(
        self,
        module: dict,
        alpha: int = 1,
        rank: int = 8,
        drop_rate: float = 0.0,
        targets: Sequence[str] = ('attn.qkv', 'attn.proj'),
    ) -> None:
        if rank < 1:
            raise ValueError(f'rank must be at least 1, got {rank}')
        if isinstance(targets, str) or not all(isinstance(x, str) for x in targets):
            raise ValueError(
                f"targets must be names of layers such as ('attn.qkv',), got {targets}"
            )
        super().__init__()
        self.module = MODELS.build(module)
        linear = {
            name: layer
            for name, layer in self.module.named_modules()
            if isinstance(layer, nn.Linear)
        }
        layers = {n: x for n, x in linear.items() if n.endswith(tuple(targets))}
        if not layers:
            ends = sorted({'.'.join(name.split('.')[-2:]) for name in linear})
            raise ValueError(
                f'no linear layer of {type(self.module).__name__} has a name that ends '
                f'with one of the targets {tuple(targets)}; it has '
                f'{", ".join(ends) or "no linear layers"}'
            )
        for name, layer in layers.items():
            self._put(name, LoRALinear(layer, alpha, rank, drop_rate))
        for name, parameter in self.module.named_parameters():
            parameter.requires_grad = '.lora_' in name

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Call the backbone."""
        return self.module(*args, **kwargs)

    def __getattr__(self, name: str) -> Any:
        """Look an attribute up in the backbone, its layers included."""
        try:
            return super().__getattr__(name)
        except AttributeError:
            if name == 'module':  # not yet there, as in a copy that is being made
                raise
            return getattr(self.module, name)

    def init_weights(self) -> None:
        """Load or initialise the backbone, which then has its usual layers."""
        with self._plain_layers():
            super().init_weights()

    @contextmanager
    def _plain_layers(self) -> Iterator[None]:
        """Put the original layers in the places of those with LoRA for a while."""
        replaced = [
            (name, layer)
            for name, layer in self.module.named_modules()
            if isinstance(layer, LoRALinear)
        ]
        for name, layer in replaced:
            self._put(name, layer.original_layer)
        try:
            yield
        finally:
            for name, layer in replaced:
                self._put(name, layer)

    def _put(self, name: str, layer: Any) -> None:
        parent, _, attribute = name.rpartition('.')
        setattr(self.module.get_submodule(parent), attribute, layer)
