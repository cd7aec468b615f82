"""Example images of the page."""

from importlib.util import find_spec
from pathlib import Path

import cv2

from mmqcs.synth.scenes import SceneSettings, render_scene

SCENES = (0, 2, 7)
"""Rendered scenes in which all faces are found."""


def find_portrait() -> Path | None:
    """Return the portrait that scikit-image installs, or None.

    It is a photograph by NASA in the public domain. ``skimage.data.astronaut()``
    would download it if the file is missing.
    """
    package = find_spec('skimage')
    if package is None or package.origin is None:
        return None
    path = Path(package.origin).with_name('data') / 'astronaut.png'
    return path if path.is_file() else None


def write_examples(folder: Path) -> dict[str, list[Path]]:
    """Write the examples into a folder, and return their paths by title."""
    examples = {}
    portrait = find_portrait()
    if portrait is not None:
        path = folder / portrait.name
        path.write_bytes(portrait.read_bytes())
        examples['Photograph (NASA, public domain)'] = [path]
    # the network that comes with mmqcs has seen photographs only
    title = 'Rendered faces (for models of make train)'
    examples[title] = render_examples(folder)
    return examples


def render_examples(folder: Path) -> list[Path]:
    """Write the rendered scenes."""
    settings = SceneSettings(image_size=384)
    paths = [folder / f'scene_{number}.png' for number in SCENES]
    for path, number in zip(paths, SCENES, strict=True):
        cv2.imwrite(str(path), render_scene(settings, 'test', number))
    return paths
