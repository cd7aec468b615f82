"""Time to choose the companions of an anchor, and to read a dataset, by its size.

    python tools/benchmarks/sampler.py --sizes 10000 1000000

For each number of images, the companions of batches of anchors are drawn from
synthetic labels by :class:`mmqcs.functional.ClassIndex`, and by scanning all labels
for each companion, as training scripts do. Then the RAF-DB class reads a list of as
many images. Prints a table and writes it as JSON.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from measure import resident, table, write_json
from mmengine.logging import MMLogger

from mmqcs.cli.options import ArgumentParser
from mmqcs.functional import ClassIndex

CLASSES = 7
SHARES = np.array([1290, 281, 717, 4772, 1982, 705, 2524]) / 12271  # RAF-DB's


def labels_of(size: int) -> np.ndarray:
    """Return labels with the class frequencies of RAF-DB."""
    return np.random.default_rng(0).choice(CLASSES, size, p=SHARES)


def draw(index: ClassIndex, anchors: np.ndarray, rng: np.random.Generator) -> None:
    """Draw the three companions of each anchor."""
    negatives = index.natural_negatives(anchors, rng)
    index.others(anchors, rng)
    index.others(negatives, rng)


def scan(labels: np.ndarray, anchors: np.ndarray, rng: np.random.Generator) -> None:
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
    """Read a list of images in a separate process.

    Returns:
        Seconds, and bytes per image that the dataset then holds.
    """
    command = [sys.executable, __file__, '--read', str(size)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    seconds, held = done.stdout.split()[-2:]
    return float(seconds), float(held)


def _read(size: int) -> None:
    from mmqcs.datasets import RAFDB

    MMLogger.get_instance('benchmark', log_level='ERROR')
    with tempfile.TemporaryDirectory() as folder:
        label_file = Path(folder, 'EmoLabel/list_patition_label.txt')
        label_file.parent.mkdir()
        Path(folder, 'Image/aligned').mkdir(parents=True)
        with label_file.open('w') as file:
            for i, label in enumerate(labels_of(size)):
                file.write(f'train_{i + 1:08}.jpg {label + 1}\n')
        before = resident('VmRSS')
        start = time.perf_counter()
        dataset = RAFDB(data_root=folder, check_files=False)
        seconds = time.perf_counter() - start
        held = dataset.data_bytes.nbytes + dataset.data_address.nbytes
        peak = resident('VmHWM') - before
    print(f'peak {peak:.0f} MiB', file=sys.stderr)
    print(seconds, held / size)


def main() -> None:
    """Run the benchmark."""
    parser = ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    sizes = [10_000, 100_000, 1_000_000, 10_000_000]
    parser.add_argument('--sizes', type=int, nargs='+', default=sizes)
    parser.add_argument('--groups', type=int, default=24, help='anchors per batch')
    parser.add_argument('--out', default='work_dirs/benchmarks/sampler.json')
    parser.add_argument('--read', type=int, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.read:
        _read(args.read)
        return

    lines, rows = [], {}
    for size in args.sizes:
        labels = labels_of(size)
        start = time.perf_counter()
        index = ClassIndex(labels)
        build = time.perf_counter() - start
        rng = np.random.default_rng(2)
        ours = microseconds(lambda a: draw(index, a, rng), size, args.groups)  # noqa: B023
        groups = min(args.groups, max(1, 10_000_000 // size))
        theirs = microseconds(lambda a: scan(labels, a, rng), size, groups)  # noqa: B023
        seconds, held = read_list(size)
        rows[f'{size}'] = {
            'companions_us': ours,
            'scan_us': theirs,
            'index_bytes_per_image': (index.order.nbytes + index.place.nbytes) / size,
            'index_seconds': build,
            'read_us_per_image': 1e6 * seconds / size,
            'dataset_bytes_per_image': held,
        }
        row = list(rows[f'{size}'].values())
        lines.append([f'{size:,}'] + [f'{value:.3g}' for value in row])
    header = ['images', 'companions µs', 'by scanning µs', 'index B/image']
    header += ['index s', 'read µs/image', 'dataset B/image']
    print(table(header, lines))
    write_json(args.out, {'groups': args.groups}, rows)


if __name__ == '__main__':
    main()
