"""A model, faces and a server for tests of the page."""

import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from conftest import ROOT
from free_port import free_port

from mmqcs.faces import Face

CONFIG = ROOT / 'configs/qcs/qcs_ir-small_synthfer.py'

# no proxy may come between the program and itself
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class KnownFaces:
    """A detector that knows the boxes in images of each size, unless they are black."""

    def __init__(self, boxes: Mapping[tuple[int, int], Sequence[Any]]) -> None:
        self.boxes = boxes
        self.calls = 0

    def detect(self, image: np.ndarray) -> list[Face]:
        self.calls += 1
        boxes = self.boxes.get(image.shape[1::-1], ()) if image.any() else ()
        return [Face(np.array(box, float), 0.9) for box in boxes]


def start(*args: object, env: Mapping[str, str] | None = None, **options: Any) -> Any:
    """Start the page as a user does."""
    command = [sys.executable, '-m', 'mmqcs.demo', *map(str, args)]
    environment = {**os.environ, 'PYTHONPATH': str(ROOT), **(env or {})}
    return subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
        **options,
    )


@contextmanager
def serve(folder: Path, *args: object) -> Iterator[tuple[str, Any]]:
    """Start the page with its files in a folder; give its address and process."""
    port = free_port()
    process = start('--port', port, *args, cwd=folder, env={'TMPDIR': str(folder)})
    address = f'http://127.0.0.1:{port}'
    deadline = time.monotonic() + 180
    try:
        while True:
            assert process.poll() is None, process.communicate()
            try:
                OPENER.open(address, timeout=5).close()
                break
            except OSError:
                assert time.monotonic() < deadline
                time.sleep(0.3)
        yield address, process
    finally:
        process.kill()
        process.communicate()


def upload(address: str, content: bytes, name: str = 'a.jpg') -> str:
    """Upload a file, and return its path on the server."""
    form = f'--x\r\nContent-Disposition: form-data; name="files"; filename="{name}"'
    body = form.encode() + b'\r\n\r\n' + content + b'\r\n--x--\r\n'
    kind = {'Content-Type': 'multipart/form-data; boundary=x'}
    request = urllib.request.Request(f'{address}/gradio_api/upload', body, kind)
    with OPENER.open(request, timeout=60) as answer:
        return json.load(answer)[0]


def call(address: str, name: str, file: Mapping[str, Any]) -> str:
    """Return the events with which the server answers to a file."""
    given = {**file, 'meta': {'_type': 'gradio.FileData'}}
    request = urllib.request.Request(
        f'{address}/gradio_api/call/{name}',
        json.dumps({'data': [given]}).encode(),
        {'Content-Type': 'application/json'},
    )
    with OPENER.open(request, timeout=60) as answer:
        event = json.load(answer)['event_id']
    with OPENER.open(f'{request.full_url}/{event}', timeout=120) as answer:
        return answer.read().decode()
