"""Shared parts of the programs that render a dataset into a folder."""

import json
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from multiprocessing import Pool
from pathlib import Path
from typing import Any, TypeVar

import cv2

from mmqcs.atomic import remove_drafts, write_text
from mmqcs.cli.options import fail
from mmqcs.cli.progress import track

T = TypeVar('T')


@dataclass(frozen=True)
class RenderedFolder:
    """A folder of rendered images, and a JSON file with their settings.

    Args:
        out: Folder.
        mark: Name of the JSON file.
        content: Name of the content, for messages.
        roots: Maps settings to the files and folders directly below ``out``.
    """

    out: Path
    mark: str
    content: str
    roots: Callable[[Mapping[str, Any]], Sequence[str]]

    def write_mark(self, state: Mapping[str, Any], complete: bool) -> None:
        """Record the settings, and whether the folder is complete."""
        self.out.mkdir(parents=True, exist_ok=True)
        text = json.dumps({**state, 'complete': complete}, indent=2)
        write_text(self.out / self.mark, text)

    def prepare(self, state: Mapping[str, Any], overwrite: bool) -> bool:
        """Prepare the folder for images with these settings, or fail.

        Images that were rendered with other settings are removed if ``overwrite`` is
        set. Returns False if the folder is complete.
        """
        mark = self.out / self.mark
        old: Sequence[str] = ()
        if mark.is_file():
            found = json.loads(mark.read_text())
            complete = found.pop('complete', False)
            if found == state:
                remove_drafts(self.out)  # of a killed run
                for root in self.roots(state):
                    for folder in (self.out / root).glob('**/'):
                        remove_drafts(folder)
                return not complete
            if not overwrite:
                changes = ', '.join(
                    f'{key}: {found.get(key)}, not {value}'
                    for key, value in state.items()
                    if found.get(key) != value
                )
                fail(
                    f'{self.out} holds {self.content} with other settings ({changes}); '
                    f'choose another folder, or replace it with --overwrite'
                )
            old = self.roots(found)
        for root in self.roots(state):
            if root not in old and (self.out / root).exists():
                fail(
                    f'{self.out / root} exists and was not written as {self.content} '
                    f'(no record of it in {mark}); choose another folder'
                )
        for path in (self.out / root for root in old):
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
        self.write_mark(state, complete=False)
        return True


def check_numbers(counts: Mapping[str, int], workers: int) -> None:
    """Exit with an error if a count (by option name) or ``workers`` is too small."""
    for name, count in counts.items():
        if count < 0:
            fail(f'--{name} must be at least 0, got {count}')
    if workers < 1:
        fail(f'--workers must be at least 1, got {workers}')


def settings_or_fail(build: Callable[[], T]) -> T:
    """Return the result of ``build``; turn its ValueError into an error of an option.

    Its messages start with the name of a setting.
    """
    try:
        return build()
    except ValueError as error:
        name, _, rest = str(error).partition(' ')
        option = {'num_classes': 'classes'}.get(name, name).replace('_', '-')
        fail(f'--{option} {rest}')


def render_all(write: Callable[[T], None], items: Iterable[T], workers: int) -> None:
    """Call ``write``, which must be picklable, with each item in several processes."""
    # one thread per process, set here because a forked process cannot stop the threads
    # of its parent
    cv2.setNumThreads(1)
    items = list(items)
    with Pool(workers, cv2.setNumThreads, (1,)) as pool:
        for _ in track(pool.imap_unordered(write, items, 16), 'images', len(items)):
            pass
