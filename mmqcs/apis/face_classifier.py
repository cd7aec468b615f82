"""A trained classifier for faces that are already cut out."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.config import Config
from mmengine.dataset import Compose, default_collate
from mmpretrain.registry import TRANSFORMS
from torch import Tensor

from mmqcs.checkpoints import DEFAULT_MODEL, load_classifier
from mmqcs.deployment.onnx_classifier import check_scores

LOADING = ('LoadImageFromFile', 'LoadImage', 'CropFace')
"""Transforms that load images and crop them by a label file; faces need neither."""


class FaceClassifier:
    """Names the expressions of faces that are already cut out.

    Args:
        model: Name of a config (``'qcs_ir50_raf'``), its file, a config, or a
            checkpoint that holds its config; see
            :func:`mmqcs.checkpoints.load_classifier`. Defaults to the network that
            comes with the package.
        checkpoint: Weights, if ``model`` is not a checkpoint. None leaves them random
            and warns.
        device: Where the model runs. By default a GPU if there is one.
        batch_size: Faces that go through the network at once.
        trust: Whether a config in a checkpoint may name any part that can be imported.
            Building it can then run any code.

    Raises:
        ValueError: The classes have no names.
        FileNotFoundError, CheckpointError: See ``load_classifier``.

    Examples:
        >>> classify = FaceClassifier('work_dirs/qcs.pth')
        >>> classify.classes
        ('Surprise', 'Fear', 'Disgust', 'Happiness', 'Sadness', 'Anger', 'Neutral')
        >>> scores = classify([np.zeros((112, 112, 3), np.uint8)])
        >>> scores.shape
        (1, 7)
    """

    def __init__(
        self,
        model: str | Path | Config = DEFAULT_MODEL,
        checkpoint: str | Path | None = None,
        device: str | None = None,
        batch_size: int = 32,
        trust: bool = False,
    ) -> None:
        if batch_size < 1:
            raise ValueError(f'batch_size must be at least 1, got {batch_size}')
        loaded = load_classifier(model, checkpoint, trust=trust, device=device)
        if loaded.classes is None:
            raise ValueError(
                f'the classes of {loaded.source} have no names: neither the checkpoint '
                f'nor the dataset of the config gives them'
            )
        self.model = loaded.model
        self.config = loaded.config
        self.classes = loaded.classes
        self.batch_size = batch_size
        self.face_template = loaded.config.get('face_template')
        with loaded.naming_source():
            steps = loaded.config.test_dataloader.dataset.pipeline
            kept = [x for x in steps if x['type'].rpartition('.')[2] not in LOADING]
            self.pipeline = Compose([TRANSFORMS.build(step) for step in kept])
            if loaded.embedded:  # wrong settings can fail as late as in use
                self([np.zeros((112, 112, 3), np.uint8)])

    def __call__(self, faces: Sequence[np.ndarray]) -> np.ndarray:
        """Return the scores of faces, (N, classes), each row summing to 1.

        Args:
            faces: BGR, uint8 (H, W, 3), of any size.

        Raises:
            ValueError: A score is NaN: the network overflows.
        """
        scores = [np.empty((0, len(self.classes)), np.float32)]
        for start in range(0, len(faces), self.batch_size):
            batch = self._collate(faces[start : start + self.batch_size])
            with torch.no_grad():
                found = self.model.test_step(batch)
            scores.append(np.stack([x.pred_score.cpu().numpy() for x in found]))
        return check_scores(np.concatenate(scores))

    def views(self, faces: Sequence[np.ndarray]) -> np.ndarray:
        """Return at least one face after the test pipeline, BGR, uint8 (N, h, w, 3)."""
        inputs = torch.stack(list(self._collate(faces)['inputs']))
        return inputs.permute(0, 2, 3, 1).numpy().astype(np.uint8)

    def prepare(self, faces: Sequence[np.ndarray]) -> Tensor:
        """Return at least one face as the network takes it, (N, 3, h, w)."""
        batch = self._collate(faces)
        return self.model.data_preprocessor(batch, training=False)['inputs']

    def _collate(self, faces: Sequence[np.ndarray]) -> dict[str, Any]:
        sizes = [face.shape[:2] for face in faces]
        return default_collate(
            [
                self.pipeline({'img': face, 'img_shape': size, 'ori_shape': size})
                for face, size in zip(faces, sizes, strict=True)
            ]
        )
