"""CUDA graphs of a training pass."""

import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
import torch.nn as nn
from mmengine.logging import print_log
from torch import Tensor

Pass = Callable[..., dict[str, Tensor]]
"""Function from tensors to losses and other values, all of them scalars."""

_WARM_UP = 3


class TrainingGraph:
    """Replays the forward and backward pass of a model without launching kernels.

    A pass of QCS starts thousands of small kernels, and the GPU waits for the host.
    Here the first batch is recorded as two CUDA graphs, one for the losses and one
    for the gradients, and later batches of the same shape replay them. The numbers
    are those of the recorded kernels: the same as without graphs.

    The replayed pass is an ordinary node of autograd, so loss scaling, gradient
    accumulation, SAM and data parallelism work as usual. Batches of other shapes, such
    as the last batch of an epoch, run without a graph, which is logged once.

    It keeps no reference to the model, so models can still be copied: a copy records
    graphs of its own.
    """

    def __init__(self) -> None:
        self._recording: _Recording | None = None
        self._refused: tuple | None = None
        self._announced: set[str] = set()

    def __deepcopy__(self, memo: dict) -> 'TrainingGraph':
        return TrainingGraph()

    def __reduce__(self) -> tuple:
        return TrainingGraph, ()

    def __call__(
        self, module: nn.Module, function: Pass, images: Tensor, *others: Tensor | None
    ) -> dict[str, Tensor]:
        """Computes a pass, by replaying it where possible.

        Args:
            module: Model whose parameters get gradients and whose buffers change.
            function: The pass. It must not read values back to the host.
            images: Its first tensor, on the device of the model, without gradients.
            *others: Its other tensors, likewise.

        Returns:
            What the function returns.
        """
        inputs = images, *others
        if not (images.is_cuda and module.training and torch.is_grad_enabled()):
            return function(*inputs)
        state = _signature(module)
        if state == self._refused:
            return function(*inputs)
        if self._recording is None or self._recording.state != state:
            self._recording = None  # frees its memory first
            try:
                _check(module)
                self._recording = _Recording(module, function, inputs, state)
            except _CannotRecordError as error:
                self._refused = state
                self._announce(f'{error}, so training runs without CUDA graphs')
                return function(*inputs)
        elif not self._recording.fits(inputs):
            shape = tuple(images.shape)
            self._announce(f'Batches of shape {shape} run without CUDA graphs')
            return function(*inputs)
        return self._recording.replay(inputs)

    def _announce(self, text: str) -> None:
        if text not in self._announced:
            self._announced.add(text)
            print_log(text, logger='current')


class _CannotRecordError(RuntimeError):
    """A pass cannot be recorded; the message says why."""


class _Recording:
    """The graphs of one pass, with the tensors that they read and write."""

    def __init__(
        self,
        module: nn.Module,
        function: Pass,
        inputs: Sequence[Tensor | None],
        state: tuple,
    ) -> None:
        self.state = state
        self.inputs = [None if x is None else x.clone() for x in inputs]
        self.parameters = [p for p in module.parameters() if p.requires_grad]
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream), _unchanged(module), uncached_autocast():
            # Compiles, and chooses algorithms, none of which can be recorded.
            for _ in range(_WARM_UP):
                self._warm_up(function)
            with _no_synchronisation():
                self._warm_up(function)
        torch.cuda.current_stream().wait_stream(stream)
        self.forward, self.backward = torch.cuda.CUDAGraph(), torch.cuda.CUDAGraph()
        # Errors of this thread only: another one pins batches of the data loader.
        record = partial(
            torch.cuda.graph, stream=stream, capture_error_mode='thread_local'
        )
        with record(self.forward), uncached_autocast():
            outputs = function(*self.inputs)
        losses = _differentiable(outputs)
        self.grad_outputs = [torch.ones_like(x) for x in losses]
        with record(self.backward, pool=self.forward.pool()):
            self.gradients = self._gradients(losses, self.grad_outputs)
        # The values stay, the graph of autograd goes.
        self.names = list(outputs)
        self.needs_grad = [x.requires_grad for x in outputs.values()]
        self.outputs = [x.detach() for x in outputs.values()]

    def _warm_up(self, function: Pass) -> None:
        self._gradients(_differentiable(function(*self.inputs)), None)

    def _gradients(
        self, losses: list[Tensor], grad_outputs: list[Tensor] | None
    ) -> tuple[Tensor | None, ...]:
        return torch.autograd.grad(
            losses, self.parameters, grad_outputs, allow_unused=True
        )

    def fits(self, inputs: Sequence[Tensor | None]) -> bool:
        """Return whether inputs have the recorded shapes and types."""
        return all(
            a is b
            if a is None or b is None
            else (a.shape, a.dtype) == (b.shape, b.dtype)
            for a, b in zip(self.inputs, inputs, strict=True)
        )

    def replay(self, inputs: Sequence[Tensor | None]) -> dict[str, Tensor]:
        """Computes the pass for new inputs."""
        # Autograd made the recorded gradients the .grad of parameters. If gradients
        # are accumulated, they must survive a replay, which reuses their memory.
        for p, gradient in zip(self.parameters, self.gradients, strict=True):
            if p.grad is not None and _same_memory(p.grad, gradient):
                p.grad = p.grad.clone()
        for static, given in zip(self.inputs, inputs, strict=True):
            if static is not None and given is not None:
                static.copy_(given)
        values = _Replay.apply(self, *self.parameters)
        return dict(zip(self.names, values, strict=True))


class _Replay(torch.autograd.Function):
    """Replays a recording as one node of autograd."""

    @staticmethod
    def forward(ctx: Any, recording: _Recording, *_: Tensor) -> tuple[Tensor, ...]:
        recording.forward.replay()
        ctx.recording = recording
        ctx.set_materialize_grads(True)
        # Copies: the next replay overwrites the recorded tensors.
        values = torch.stack([x.float() for x in recording.outputs]).unbind()
        ctx.mark_non_differentiable(
            *(v for v, g in zip(values, recording.needs_grad, strict=True) if not g)
        )
        return values

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        recording = ctx.recording
        needed = [g for g, n in zip(grads, recording.needs_grad, strict=True) if n]
        torch._foreach_copy_(recording.grad_outputs, needed)
        recording.backward.replay()
        return (None, *(None if g is None else g.detach() for g in recording.gradients))


def _same_memory(a: Tensor, b: Tensor | None) -> bool:
    return b is not None and a.data_ptr() == b.data_ptr()


def _differentiable(outputs: dict[str, Tensor]) -> list[Tensor]:
    return [x for x in outputs.values() if x.requires_grad]


def _signature(module: nn.Module) -> tuple:
    """Return everything that a recording depends on besides its inputs."""
    parameters = tuple((p.data_ptr(), p.requires_grad) for p in module.parameters())
    return kernel_settings(), parameters, tuple(m.training for m in module.modules())


def kernel_settings() -> tuple:
    """Return the settings of PyTorch that decide which kernels a GPU runs."""
    return (
        torch.is_autocast_enabled('cuda'),
        torch.get_autocast_dtype('cuda'),
        torch.backends.cudnn.benchmark,
        torch.backends.cudnn.deterministic,
    )


def _check(module: nn.Module) -> None:
    """Refuse parts that are known to prevent a recording."""
    for name, part in module.named_modules():
        if getattr(part, 'with_cp', False):
            raise _CannotRecordError(f'{name} recomputes activations (with_cp)')
        if isinstance(part, nn.SyncBatchNorm) and part.training:
            raise _CannotRecordError(f'{name} synchronises its statistics')
        if getattr(part, 'distance_range', None) == 'world':
            raise _CannotRecordError(f"{name} has distance_range='world'")


@contextmanager
def _unchanged(module: nn.Module) -> Iterator[None]:
    """Restores buffers and random state, which the warm-up advances."""
    buffers = list(module.buffers())
    before = [b.clone() for b in buffers]
    state = torch.cuda.get_rng_state()
    try:
        yield
    finally:
        with torch.no_grad():
            for buffer, value in zip(buffers, before, strict=True):
                buffer.copy_(value)
        torch.cuda.set_rng_state(state)


@contextmanager
def _no_synchronisation() -> Iterator[None]:
    """Raise an error at code that waits for the GPU, and name its line."""
    before = torch.cuda.get_sync_debug_mode()
    torch.cuda.set_sync_debug_mode('error')
    try:
        yield
    except RuntimeError as error:
        if 'synchronizing' not in str(error):
            raise
        frame = traceback.extract_tb(error.__traceback__)[-1]
        raise _CannotRecordError(
            f'{frame.filename}:{frame.lineno} ({frame.line}) waits for the GPU'
        ) from error
    finally:
        torch.cuda.set_sync_debug_mode(before)


@contextmanager
def uncached_autocast() -> Iterator[None]:
    """Keeps the precision, but casts weights inside the recording itself.

    Weights that were cast earlier would be read from memory that is freed by then.
    """
    with torch.autocast(
        'cuda',
        torch.get_autocast_dtype('cuda'),
        enabled=torch.is_autocast_enabled('cuda'),
        cache_enabled=False,
    ):
        yield
