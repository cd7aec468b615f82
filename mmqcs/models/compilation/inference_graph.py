"""A CUDA graph of inference."""

from collections.abc import Callable

import torch
from torch import Tensor

from .training_graph import kernel_settings, uncached_autocast

Network = Callable[[Tensor], tuple[Tensor, ...]]
"""Function from images (B, 3, H, W) to tensors (B, ...)."""

_WARM_UP = 3


class InferenceGraph:
    """Replays a network on batches of up to the largest size seen so far.

    Smaller batches are padded, so that one recording serves them all. That is valid
    because in evaluation mode the images of a batch do not affect each other.

    It keeps no reference to the model, so models can still be copied: a copy records
    a graph of its own.
    """

    def __init__(self) -> None:
        self._key: tuple | None = None
        self._graph: torch.cuda.CUDAGraph | None = None

    def __deepcopy__(self, memo: dict) -> 'InferenceGraph':
        return InferenceGraph()

    def __reduce__(self) -> tuple:
        return InferenceGraph, ()

    def __call__(
        self, module: torch.nn.Module, network: Network, images: Tensor
    ) -> tuple[Tensor, ...]:
        """Computes the outputs for a batch.

        Args:
            module: Model to which the network belongs.
            network: What to replay.
            images: Batch (B, 3, H, W) on a GPU.

        Returns:
            What the network returns.
        """
        key = (
            images.shape[1:],
            images.dtype,
            torch.is_inference_mode_enabled(),
            kernel_settings(),
            tuple(p.data_ptr() for p in module.parameters()),
        )
        if key != self._key or len(images) > len(self._images):
            self._record(network, images)
            self._key = key
        count = len(images)
        self._images[:count].copy_(images)
        self._graph.replay()  # type: ignore[union-attr]
        # Copies: the next replay overwrites the recorded tensors.
        return tuple(x[:count].clone() for x in self._outputs)

    def _record(self, network: Network, images: Tensor) -> None:
        self._graph = None  # frees the memory of the previous recording first
        self._images = images.clone()
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with uncached_autocast():
            with torch.cuda.stream(stream):
                for _ in range(_WARM_UP):
                    network(self._images)
            torch.cuda.current_stream().wait_stream(stream)
            self._graph = torch.cuda.CUDAGraph()
            # Errors of this thread only: another one pins batches of the data loader.
            with torch.cuda.graph(
                self._graph, stream=stream, capture_error_mode='thread_local'
            ):
                self._outputs = network(self._images)
