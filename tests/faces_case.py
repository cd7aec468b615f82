"""Pictures with faces, and a model, for tests."""

from pathlib import Path

import torch
from mmengine.config import Config
from mmpretrain.registry import MODELS

from mmqcs.synth.scenes import SceneFace, SceneSettings, render_scene, scene_faces

SCENES = SceneSettings(image_size=320)


def scene(index: int):
    """A picture of drawn faces, BGR (320, 320, 3), and where these are."""
    faces: list[SceneFace] = scene_faces(SCENES, 'train', index)
    return render_scene(SCENES, 'train', index), faces


def write_untrained(config_file: Path, path: Path) -> Path:
    """A checkpoint as a training run leaves it, the config inside; never trained."""
    config = Config.fromfile(config_file)
    weights = MODELS.build(config.model).state_dict()
    torch.save({'meta': {'cfg': config.pretty_text}, 'state_dict': weights}, path)
    return path


def overlap(a, b) -> float:
    """Intersection over union of two boxes."""
    sides = [min(a[i + 2], b[i + 2]) - max(a[i], b[i]) for i in (0, 1)]
    shared = max(sides[0], 0) * max(sides[1], 0)
    areas = [(c[2] - c[0]) * (c[3] - c[1]) for c in (a, b)]
    return shared / (sum(areas) - shared)
