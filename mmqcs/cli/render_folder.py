"""What the programs share that draw a data set into a folder."""

import json
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import cv2
from mmengine.utils import track_parallel_progress

from mmqcs.cli.options import fail
from mmqcs.synth.layouts import part_of, write_file

T = TypeVar('T')


@dataclass(frozen=True)
class DrawnFolder:
    """A folder that holds drawn pictures, and a file that says which.

    Args:
        out: The folder.
        mark: Name of the file in it that holds the settings.
        content: What it holds, for messages.
        roots: From settings to the files and folders below ``out`` that they make.
    """

    out: Path
    mark: str
    content: str
    roots: Callable[[Mapping[str, Any]], Sequence[str]]

    def write_mark(self, state: Mapping[str, Any], complete: bool) -> None:
        """Writes down what the folder holds, and whether all of it is there."""
        text = json.dumps({**state, 'complete': complete}, indent=2)
        write_file(self.out / self.mark, [text.encode()])

    def prepare(self, state: Mapping[str, Any], overwrite: bool) -> bool:
        """Makes the folder ready to be written; ends the program where it must not be.

        Args:
            state: The settings of what it shall hold.
            overwrite: Whether what was drawn by other settings may be removed.

        Returns:
            Whether there is something to write.
        """
        mark = self.out / self.mark
        old: Sequence[str] = ()
        if mark.is_file():
            found = json.loads(mark.read_text())
            complete = found.pop('complete', False)
            if found == state:
                return not complete
            if not overwrite:
                changed = [key for key in state if found.get(key) != state[key]]
                fail(
                    f'{self.out} holds {self.content} with other settings ('
                    + ', '.join(f'{k}: {found.get(k)}, not {state[k]}' for k in changed)
                    + '); name another folder or replace it by --overwrite'
                )
            old = self.roots(found)
        for root in self.roots(state):
            if root not in old and (self.out / root).exists():
                fail(
                    f'{self.out / root} exists and is not made of {self.content} '
                    f'(not by {mark}); name another folder'
                )
        for path in (self.out / root for root in old):
            _remove(path)
        self.write_mark(state, complete=False)
        return True


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
        return
    path.unlink(missing_ok=True)
    if path.suffix:  # a file, which may have been cut off
        part_of(path).unlink(missing_ok=True)


def check_numbers(counts: Mapping[str, int], workers: int) -> None:
    """Ends the program at a negative count, by option name, or without workers."""
    for name, count in counts.items():
        if count < 0:
            fail(f'--{name} must be at least 0, got {count}')
    if workers < 1:
        fail(f'--workers must be at least 1, got {workers}')


def settings_or_fail(build: Callable[[], T]) -> T:
    """What ``build`` gives; its ValueError ends the program, naming the option.

    Args:
        build: Makes settings; its messages start with the name of a setting.
    """
    try:
        return build()
    except ValueError as error:
        name, _, rest = str(error).partition(' ')
        option = {'num_classes': 'classes'}.get(name, name).replace('_', '-')
        fail(f'--{option} {rest}')


def draw_all(write: Callable[[T], None], items: Iterable[T], workers: int) -> None:
    """Writes all pictures in several processes, with a progress bar.

    Args:
        write: Draws and writes one; can be pickled.
        items: What it is called with.
        workers: Processes.
    """
    # one thread a process, as the processes already share out the cores; here
    # first, because a forked process cannot stop the threads of its parent
    cv2.setNumThreads(1)
    track_parallel_progress(
        write, list(items), workers, cv2.setNumThreads, (1,), chunksize=16
    )
