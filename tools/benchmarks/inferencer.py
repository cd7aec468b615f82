"""Time of the inferencer, compared with the detector and the network alone.

    python tools/benchmarks/inferencer.py --images 32 --repeats 7

"Detector and bare model" finds the faces of each image and runs the network on a ready
batch of as many faces, which every program must do. The inferencer also cuts out,
aligns and prepares the faces, and builds the results. The images are rendered scenes,
given as arrays. The two run in their own processes and take turns.
"""

import numpy as np
import torch
from measure import Rows, Step, alternate, make_parser, report
from mmengine.config import Config

from mmqcs.apis import FaceClassifier, FERInferencer
from mmqcs.cli.launch import keep_freed_memory
from mmqcs.cli.options import load_config
from mmqcs.faces import MTCNNDetector
from mmqcs.synth.scenes import SceneSettings, render_scene


def scenes(count: int, size: int) -> list[np.ndarray]:
    """Return rendered scenes, BGR."""
    settings = SceneSettings(image_size=size)
    return [render_scene(settings, 'test', i) for i in range(count)]


def inferencer(cfg: Config, count: int, size: int) -> Step:
    """Return a step of the whole inferencer."""
    keep_freed_memory()
    infer, images = FERInferencer(cfg), scenes(count, size)
    return lambda: infer(images)


def detector_and_model(cfg: Config, count: int, size: int) -> Step:
    """Return a step that finds faces and classifies as many ready ones."""
    keep_freed_memory()
    classifier, detector = FaceClassifier(cfg), MTCNNDetector()
    images, model = scenes(count, size), classifier.model
    view = classifier.prepare([images[0]])
    per_batch = FERInferencer(classifier, faces=detector).batch_frames

    def step() -> None:
        for start in range(0, count, per_batch):
            found = detector.detect_batch(images[start : start + per_batch])
            faces = sum(map(len, found))
            with torch.inference_mode():
                model(view.expand(faces, -1, -1, -1), mode='tensor')

    return step


STEPS = {'detector and bare model': detector_and_model, 'inferencer': inferencer}


def main() -> None:
    """Run the benchmark."""
    parser = make_parser(__doc__, 'inferencer')
    parser.add_argument(
        '--configs',
        nargs='+',
        default=['configs/qcs/qcs_ir50_raf.py', 'configs/qcs/qcs_ir-small_synthfer.py'],
    )
    parser.add_argument('--images', type=int, default=32)
    parser.add_argument('--size', type=int, default=512, help='side of an image')
    parser.add_argument('--repeats', type=int, default=7)
    args = parser.parse_args()
    found = MTCNNDetector().detect_batch(scenes(args.images, args.size))
    faces = sum(map(len, found))
    rows: Rows = {}
    for path in args.configs:
        arguments = load_config(path), args.images, args.size
        timings = alternate(STEPS, arguments, args.repeats)
        name = path.rpartition('/')[2].removesuffix('.py')
        for step, timing in timings.items():
            rows[f'{name}, {step}'] = {
                'ms_per_image': 1000 * timing['seconds'] / args.images,
                'ms_per_face': 1000 * timing['seconds'] / faces,
                'ratio': 1 / timing['speedup'],
            }
    columns = {
        'ms/image': '{ms_per_image:.1f}',
        'ms/face': '{ms_per_face:.1f}',
        'time': '{ratio:.2f}x',
    }
    report(args.out, vars(args) | {'faces': faces}, rows, '', columns)


if __name__ == '__main__':
    main()
