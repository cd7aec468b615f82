"""Time to load and augment an image, on one core.

    python tools/benchmarks/data_pipeline.py --config configs/qcs/qcs_ir50_ferplus.py

Compares the pipeline of a config, up to the normalised and erased batch, with
torchvision's transforms on Pillow images. The images are rendered faces of 100×100
pixels in JPEG files. The modes run in their own processes and take turns. Prints a
table and writes it as JSON.
"""

import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import torch
from measure import Step, Steps, alternate, make_parser, report
from mmengine.config import Config
from mmengine.dataset import default_collate
from mmengine.logging import MMLogger
from PIL import Image
from torchvision import transforms

from mmqcs import register_all_modules
from mmqcs.cli.options import load_config
from mmqcs.datasets import RAFDB
from mmqcs.registry import MODELS

BATCH = 96


def settings_of(cfg: Config, name: str) -> dict[str, Any]:
    """Return the arguments of a transform of the training pipeline, if it is there."""
    for transform in cfg.train_dataloader.dataset.pipeline:
        if transform['type'] == f'mmqcs.{name}':
            return {k: v for k, v in transform.items() if k != 'type'}
    return {}


def torchvision_on_pillow(cfg: Config, root: str) -> Step:
    """Return the published transforms, applied image by image."""
    torch.set_num_threads(1)
    view, jitter = settings_of(cfg, 'SampleFace'), settings_of(cfg, 'JitterColor')
    preprocessor = cfg.model.data_preprocessor
    erasing = {k: v for k, v in preprocessor.erasing.items() if k != 'step'}
    steps: list[Any] = [transforms.Resize((view['resize'],) * 2)]
    if view.get('rotate'):
        steps.append(transforms.RandomRotation(view['rotate']))
    if view.get('random_crop'):
        steps.append(transforms.RandomCrop(view['crop']))
    steps.append(transforms.RandomHorizontalFlip(view['flip']))
    if jitter:
        steps.append(transforms.ColorJitter(**jitter))
    mean, std = ([x / 255 for x in preprocessor[key]] for key in ('mean', 'std'))
    steps += [transforms.ToTensor(), transforms.Normalize(mean, std)]
    compose = transforms.Compose([*steps, transforms.RandomErasing(**erasing)])
    files = sorted(Path(root).rglob('train_*.jpg'))

    def step() -> None:
        for start in range(0, len(files), BATCH):
            paths = files[start : start + BATCH]
            torch.stack([compose(Image.open(path).convert('RGB')) for path in paths])

    return step


def ours(cfg: Config, root: str, cache_mib: int = 0) -> Step:
    """Return the pipeline and the data preprocessor of the config."""
    torch.set_num_threads(1)
    cv2.setNumThreads(0)
    register_all_modules()
    MMLogger.get_current_instance().setLevel('ERROR')
    pipeline = cfg.train_dataloader.dataset.pipeline
    dataset = RAFDB(data_root=root, pipeline=pipeline, cache_mib=cache_mib)
    preprocessor = MODELS.build(cfg.model.data_preprocessor)

    def step() -> None:
        for start in range(0, len(dataset), BATCH):
            stop = min(start + BATCH, len(dataset))
            batch = default_collate([dataset[i] for i in range(start, stop)])
            preprocessor(batch, training=True)

    return step


MODES: Steps = {
    'torchvision on Pillow': torchvision_on_pillow,
    'ours': ours,
    'cached': partial(ours, cache_mib=1024),
}
COLUMNS = {
    'ms/image': '{ms_per_image:.3f}',
    'images/s per core': '{images_per_second:.0f}',
    'speed-up': '{speedup:.2f}x',
}


def write_faces(root: str, count: int) -> None:
    """Write rendered faces as RAF-DB has them: JPEG, 100×100 pixels."""
    converter = Path(__file__).parents[1] / 'dataset_converters/synth_fer.py'
    command = [sys.executable, converter, root, '--train', count, '--test', 7]
    subprocess.run([str(c) for c in command], check=True, stdout=subprocess.DEVNULL)


def main() -> None:
    """Run the benchmark."""
    parser = make_parser(__doc__, 'data_pipeline')
    parser.add_argument('--config', default='configs/qcs/qcs_ir50_raf.py')
    parser.add_argument('--images', type=int, default=480)
    parser.add_argument('--repeats', type=int, default=9)
    args = parser.parse_args()

    cfg = load_config(args.config)
    with tempfile.TemporaryDirectory() as root:
        write_faces(root, args.images)
        rows = alternate(MODES, (cfg, root), args.repeats)
    for row in rows.values():
        del row['output']
        row['ms_per_image'] = 1000 * row['seconds'] / args.images
        row['images_per_second'] = args.images / row['seconds']
    report(args.out, vars(args), rows, 'pipeline', COLUMNS)


if __name__ == '__main__':
    main()
