"""Counts tensor operations, and refuses those that wait for a GPU."""

from collections import Counter
from contextlib import ExitStack

import torch
from mmengine.hooks import Hook
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

aten = torch.ops.aten
# What has no fixed number of results, or hands a number to Python. On the CPU these are
# harmless, but the same code on a GPU would wait for it.
WAITING = {
    aten._local_scalar_dense,
    aten.nonzero,
    aten.masked_select,
    aten.equal,
    aten._unique2,
}
# These wait if an index is a mask.
INDEXING = {aten.index, aten.index_put, aten.index_put_, aten._index_put_impl_}
# These read the memory of CPU tensors without an operation.
READING = {torch.Tensor.tolist, torch.Tensor.numpy, torch.Tensor.cpu}


def _has_mask(indices):
    return any(i is not None and i.dtype == torch.bool for i in indices)


class SyncError(AssertionError):
    """A tensor was read by Python."""


class _Functions(TorchFunctionMode):
    def __torch_function__(self, func, types, args=(), kwargs=None):
        if func in READING:
            raise SyncError(f'{func.__name__} of a tensor {tuple(args[0].shape)}')
        return func(*args, **(kwargs or {}))


class NoSync(TorchDispatchMode):
    """Refuse operations that would wait for a GPU, and count the others.

    Args:
        optimizer: Its ``step`` counters may be read. Torch keeps them on the CPU, also
            when it trains on a GPU, unless the optimizer is fused or capturable, and
            then it does not read them.
    """

    def __init__(self, optimizer=None):
        super().__init__()
        self.optimizer = optimizer
        self.counts = Counter()
        self._functions = _Functions()

    def __enter__(self):
        self._functions.__enter__()
        return super().__enter__()

    def __exit__(self, *error):
        super().__exit__(*error)
        self._functions.__exit__(*error)

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        packet = func.overloadpacket
        self.counts[packet._qualified_op_name] += 1
        waits = packet in WAITING or (packet in INDEXING and _has_mask(args[1]))
        if waits and not self._is_counter(args[0]):
            raise SyncError(f'{func} of a tensor {tuple(args[0].shape)}')
        return func(*args, **(kwargs or {}))

    def _is_counter(self, tensor):
        states = self.optimizer.state.values() if self.optimizer else ()
        return any(state.get('step') is tensor for state in states)


class NoSyncHook(Hook):
    """Train iterations under :class:`NoSync`, from their first hook to their last.

    Args:
        iterations: Numbers of the iterations, from 1.
    """

    priority = 0

    def __init__(self, iterations):
        self.iterations = iterations
        self.counts = []

    def before_train(self, runner):
        runner.register_hook(_End(self), 100)

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        self.stack = ExitStack()
        if runner.iter + 1 in self.iterations:
            mode = NoSync(runner.optim_wrapper.optimizer)
            self.counts.append(self.stack.enter_context(mode).counts)

    def close(self):
        self.stack.close()


class _End(Hook):
    def __init__(self, start):
        self.start = start

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        self.start.close()
