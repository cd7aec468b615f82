"""Time to choose the companions of an anchor, and to read a dataset, by its size.

    python tools/benchmarks/sampler.py --sizes 10000 1000000

For each number of images, the companions of batches of anchors are drawn from
synthetic labels by :class:`mmqcs.functional.ClassIndex`, and by scanning all labels
for each companion, as training scripts do. Then the RAF-DB class reads a list of as
many images. Prints a table and writes it as JSON.
"""

import statistics
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
from measure import make_parser, report
from mmengine.logging import MMLogger

from mmqcs.datasets import RAFDB
from mmqcs.functional import ClassIndex

CLASSES = 7
SHARES = np.array([1290, 281, 717, 4772, 1982, 705, 2524]) / 12271  # RAF-DB's


def labels_of(size: int) -> np.ndarray:
    """Return labels with the class frequencies of RAF-DB."""
    return np.random.default_rng(0).choice(CLASSES, size, p=SHARES)


def draw(index: ClassIndex, rng: np.random.Generator, anchors: np.ndarray) -> None:
    """Draw the three companions of each anchor."""
    negatives = index.natural_negatives(anchors, rng)
    index.others(anchors, rng)
    index.others(negatives, rng)


def scan(labels: np.ndarray, rng: np.random.Generator, anchors: np.ndarray) -> None:
    """Draw them by scanning all labels for each companion."""
    images = np.arange(len(labels))
    for anchor in anchors:
        rng.choice(images[(labels == labels[anchor]) & (images != anchor)])
        negative = rng.choice(images[labels != labels[anchor]])
        rng.choice(images[(labels == labels[negative]) & (images != negative)])


def microseconds(
    function: Callable[[np.ndarray], None], size: int, groups: int
) -> float:
    """Return the median time per group, in batches of ``groups`` anchors."""
    rng = np.random.default_rng(1)
    times = []
    for _ in range(21):
        anchors = rng.integers(size, size=groups)
        start = time.perf_counter()
        function(anchors)
        times.append((time.perf_counter() - start) / groups)
    return 1e6 * statistics.median(times)


def read_list(size: int) -> tuple[float, float]:
    """Read a list of images.

    Returns:
        Seconds, and bytes per image that the dataset then holds.
    """
    MMLogger.get_current_instance().setLevel('ERROR')
    with tempfile.TemporaryDirectory() as folder:
        label_file = Path(folder, 'EmoLabel/list_patition_label.txt')
        label_file.parent.mkdir()
        Path(folder, 'Image/aligned').mkdir(parents=True)
        with label_file.open('w') as file:
            for i, label in enumerate(labels_of(size)):
                file.write(f'train_{i + 1:08}.jpg {label + 1}\n')
        start = time.perf_counter()
        dataset = RAFDB(data_root=folder, check_files=False)
        seconds = time.perf_counter() - start
    return seconds, (dataset.data_bytes.nbytes + dataset.data_address.nbytes) / size


COLUMNS = {
    'companions µs': '{companions_us:.3g}',
    'by scanning µs': '{scan_us:.3g}',
    'index B/image': '{index_bytes_per_image:.3g}',
    'index s': '{index_seconds:.3g}',
    'read µs/image': '{read_us_per_image:.3g}',
    'dataset B/image': '{dataset_bytes_per_image:.3g}',
}


def main() -> None:
    """Run the benchmark."""
    parser = make_parser(__doc__, 'sampler')
    sizes = [10_000, 100_000, 1_000_000, 10_000_000]
    parser.add_argument('--sizes', type=int, nargs='+', default=sizes)
    parser.add_argument('--groups', type=int, default=24, help='anchors per batch')
    args = parser.parse_args()

    rows = {}
    for size in args.sizes:
        labels = labels_of(size)
        start = time.perf_counter()
        index = ClassIndex(labels)
        build = time.perf_counter() - start
        rng = np.random.default_rng(2)
        groups = min(args.groups, max(1, 10_000_000 // size))
        seconds, held = read_list(size)
        rows[f'{size:,}'] = {
            'companions_us': microseconds(partial(draw, index, rng), size, args.groups),
            'scan_us': microseconds(partial(scan, labels, rng), size, groups),
            'index_bytes_per_image': (index.order.nbytes + index.place.nbytes) / size,
            'index_seconds': build,
            'read_us_per_image': 1e6 * seconds / size,
            'dataset_bytes_per_image': held,
        }
    report(args.out, vars(args), rows, 'images', COLUMNS)


if __name__ == '__main__':
    main()
