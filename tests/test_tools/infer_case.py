"""Images and videos, and programs that are run on them."""

import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
from faces_case import scene
from tool_helpers import ROOT
from video_case import write_video as write_frames

CONFIG = ROOT / 'configs/qcs/qcs_ir-small_synthfer.py'
INFER = ROOT / 'tools/infer.py'
ALIGN = ROOT / 'tools/dataset_converters/align_faces.py'


def run(tool: Path, *args: object, **options: object) -> subprocess.CompletedProcess:
    """Run a program and keep what it prints."""
    command = [sys.executable, tool, *map(str, args)]
    return subprocess.run(command, capture_output=True, text=True, **options)


def write_video(path: Path, count: int) -> None:
    """Write frames with a face that moves to the right, 10 per second."""
    image = scene(4)[0]
    shots = (np.roll(image, 2 * (i % 160), 1) for i in range(count))
    write_frames(path, shots, rate=10)


def write_folder(folder: Path) -> Path:
    """Write three good images (one without a face), two bad ones and a video."""
    (folder / 'sub').mkdir()
    cv2.imwrite(str(folder / 'one.jpg'), scene(0)[0])
    cv2.imwrite(str(folder / 'sub/two.png'), scene(2)[0])
    cv2.imwrite(str(folder / 'nothing.png'), np.zeros((64, 64, 3), np.uint8))
    (folder / 'bad.jpg').write_bytes(b'\xff\xd8 not really')
    (folder / 'empty.png').write_bytes(b'')
    write_video(folder / 'film.mp4', 5)
    return folder
