"""Test checkpoints on every dataset that is there, and write the table.

Each folder in --data that is named like a dataset (raf-db, ferplus, fer2013, affectnet,
caer-s, expw, ck-plus, jaffe, kdef) is tested on, with the test transforms of each
checkpoint. Classes are matched by name. Images of classes that a checkpoint does not
know are left out, and the table states how many.

Used are the test split; the validation split of AffectNet, on which its results are
reported; and all images of datasets without an official split, unless the checkpoint
was trained on them.
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from mmengine.device import get_device
from mmengine.runner import Runner

from mmqcs import datasets
from mmqcs.atomic import write_text
from mmqcs.checkpoints import LoadedClassifier, load_classifier
from mmqcs.cli.options import ArgumentParser, at_least, fail, failing_on
from mmqcs.cli.setup_errors import describe_error
from mmqcs.cli.tables import markdown_table
from mmqcs.datasets.base import FERDataset, FoldedDataset
from mmqcs.datasets.transforms import with_face_crop
from mmqcs.evaluation import FERMetric
from mmqcs.register import register_all_modules

KINDS: tuple[type[FERDataset], ...] = tuple(
    kind
    for name in datasets.__all__
    if isinstance(kind := getattr(datasets, name), type)
    and issubclass(kind, FERDataset)
)
NAMES = ('top1', 'mean_class')
DASH = '\N{EN DASH}'


class Found(NamedTuple):
    """A folder with a dataset."""

    folder: Path
    kind: type[FERDataset]
    own_name: bool
    """Whether the folder is named like the dataset, not by --as."""


def plain(name: str) -> str:
    """Return a name in lower case without hyphens and spaces."""
    return ''.join(filter(str.isalnum, name.lower()))


def spellings(kind: type[FERDataset]) -> set[str]:
    """Return the plain names of a dataset."""
    return {plain(kind.__name__), plain(kind.METAINFO['dataset_name'])}


def kind_named(name: str) -> type[FERDataset] | None:
    """Return the dataset of a name such as 'raf-db', 'RAFDB' or 'CK+'."""
    return next((kind for kind in KINDS if plain(name) in spellings(kind)), None)


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument(
        'checkpoints',
        nargs='+',
        metavar='CHECKPOINT',
        help='checkpoint that holds its config, as those of training runs do',
    )
    parser.add_argument('--data', type=Path, default=Path('data'), help='default: data')
    parser.add_argument(
        '--as',
        dest='others',
        nargs='+',
        default=[],
        metavar='FOLDER=DATASET',
        help='also test on a folder of another name, such as my-faces=raf-db',
    )
    parser.add_argument(
        '--only', nargs='+', metavar='FOLDER', help='test on these folders only'
    )
    parser.add_argument(
        '--out',
        type=Path,
        default=Path('work_dirs/cross_dataset'),
        help='folder of cross_dataset.md and cross_dataset.json (default %(default)s)',
    )
    parser.add_argument('--batch-size', type=at_least(1), default=64)
    parser.add_argument('--workers', type=at_least(0), default=2)
    parser.add_argument(
        '--device', default=get_device(), help='device to use (default %(default)s)'
    )
    parser.add_argument(
        '--trust-checkpoint',
        action='store_true',
        help='allow configs in checkpoints to name any part; building it can run code',
    )
    args = parser.parse_args()
    if len(set(args.checkpoints)) < len(args.checkpoints):
        fail(f'a checkpoint is given twice: {" ".join(args.checkpoints)}')
    return args


def find_datasets(
    root: Path, others: Sequence[str], only: Sequence[str] | None
) -> tuple[list[Found], list[str]]:
    """Return the datasets in a folder, and names of folders that are none of them."""
    if not root.is_dir():
        fail(f'--data {root} is not a folder')
    named = dict(item.partition('=')[::2] for item in others)
    for item in (*named, *(only or ())):
        if not (root / item).is_dir():
            fail(f'{root / item} is not a folder')
    found, unknown = [], []
    for folder in sorted(path for path in root.iterdir() if path.is_dir()):
        if only is not None and folder.name not in only:
            continue
        given = named.get(folder.name)
        kind = kind_named(folder.name if given is None else given)
        if kind is not None:
            found.append(Found(folder, kind, given is None))
        elif given is not None or only is not None:
            known = ', '.join(kind.METAINFO['dataset_name'] for kind in KINDS)
            what = f'--as {folder.name}={given}' if given else f'--only {folder.name}'
            fail(f'{what} names none of the datasets {known}')
        else:
            unknown.append(folder.name)
    if not found:
        known = ', '.join(kind.__name__.lower() for kind in KINDS)
        fail(
            f'no folder in {root} is named like a dataset ({known}); name one with '
            f'--as FOLDER=DATASET'
        )
    return found, unknown


def load(path: str, args: argparse.Namespace) -> LoadedClassifier:
    """Load a classifier whose classes have names, or fail in one line."""
    with failing_on(OSError, RuntimeError, ValueError):  # RuntimeError: no such device
        loaded = load_classifier(path, trust=args.trust_checkpoint, device=args.device)
    if not loaded.classes:
        fail(f'{path} does not name its classes, so they cannot be matched')
    return loaded


def trained_on(loaded: LoadedClassifier, name: str) -> bool:
    """Return whether a checkpoint says that it was trained on a dataset."""
    meta = loaded.meta.get('dataset_meta')
    trained = meta.get('dataset_name') if isinstance(meta, dict) else None
    return plain(name) in map(plain, str(trained).split(' + '))


def build(loaded: LoadedClassifier, found: Found) -> tuple[FERDataset | None, dict]:
    """Build a dataset in the label order of a classifier, and describe it.

    The dataset is None if its test images are not known to be unseen.
    """
    kind = found.kind
    classes = loaded.classes or ()
    name = kind.METAINFO['dataset_name'] if found.own_name else found.folder.name
    seen = trained_on(loaded, name)
    cell = {'folder': found.folder.name, 'dataset': kind.METAINFO['dataset_name']}
    cell['trained_on'] = seen
    if issubclass(kind, FoldedDataset):
        if seen:
            reason = 'trained on other folds of it; test it with its config'
            return None, {**cell, 'reason': reason}
        split = 'all'
    else:
        split = 'test' if 'test' in kind.SPLITS else 'val'
    try:
        dataset = kind(
            str(found.folder),
            split=split,
            pipeline=with_face_crop(loaded.config.test_dataloader.dataset.pipeline),
            label_order=classes,
            # of another name, so that it is not compared with published counts
            metainfo=None if found.own_name else {'dataset_name': name},
        )
    except (OSError, ValueError) as error:
        fail(
            f'{found.folder} cannot be used, so nothing was tested (leave it out with '
            f'--only): {describe_error(error)}'
        )
    present = set(dataset.get_gt_labels().tolist())
    names = list(enumerate(classes))
    return dataset, {
        **cell,
        'split': split,
        'layout': dataset.found.layout.name,
        'images': len(dataset),
        'classes': [name for i, name in names if i in present],
        'classes_without_images': [name for i, name in names if i not in present],
        'left_out': dict(dataset.left_out),
    }


def evaluate(
    loaded: LoadedClassifier, dataset: FERDataset, args: argparse.Namespace
) -> dict[str, Any]:
    """Return the metrics of a classifier on a dataset."""
    metric = FERMetric()
    metric.dataset_meta = dataset.metainfo
    settings = {
        'batch_size': args.batch_size,
        'num_workers': args.workers,
        'sampler': {'type': 'DefaultSampler', 'shuffle': False},
        'collate_fn': {'type': 'default_collate'},
    }
    for batch in Runner.build_dataloader({'dataset': dataset, **settings}, seed=0):
        with torch.no_grad():
            samples = loaded.model.test_step(batch)
        metric.process(None, [sample.to_dict() for sample in samples])
    return metric.evaluate(len(dataset))


def accuracy(cell: dict[str, Any], name: str) -> str:
    """Format an accuracy with its interval."""
    if 'metrics' not in cell:
        return DASH
    key = f'accuracy/{name}'
    value, low, high = (cell['metrics'][key + end] for end in ('', '_low', '_high'))
    return (
        f'{value:.1f} ({low:.1f}{DASH}{high:.1f}){" *" if cell["trained_on"] else ""}'
    )


def report(rows: dict[str, list[dict[str, Any]]], notes: Sequence[str]) -> str:
    """Return the tables in Markdown."""
    titles = [cell['folder'] for cell in next(iter(rows.values()))]
    lines = ['# Accuracy across datasets', '']
    for name, title in zip(NAMES, ('Top-1', 'Mean class'), strict=True):
        values = [[row, *(accuracy(x, name) for x in rows[row])] for row in rows]
        lines += [f'{title} accuracy in percent, with 95 % intervals:', '']
        lines += [markdown_table(['checkpoint', *titles], values), '']
    lines += ['\\* trained on the training split of this dataset', '', '## Images', '']
    header = ['checkpoint', 'folder', 'split', 'layout', 'images']
    header += ['classes without images', 'images left out']
    details = []
    for row, cells in rows.items():
        for cell in cells:
            if 'reason' in cell:
                details.append([row, cell['folder'], cell['reason'], *[DASH] * 4])
                continue
            out = ', '.join(f'{n:,} {name}' for name, n in cell['left_out'].items())
            details.append(
                [
                    *(row, cell['folder'], cell['split'], cell['layout']),
                    f'{cell["images"]:,}',
                    ', '.join(cell['classes_without_images']) or 'none',
                    out or 'none',
                ]
            )
    lines.append(markdown_table(header, details))
    return '\n'.join([*lines, '', *(f'- {note}' for note in notes), ''])


def main() -> None:
    """Run the program."""
    args = parse_args()
    register_all_modules()
    found, unknown = find_datasets(args.data, args.others, args.only)
    there = {item.kind for item in found}
    absent = [kind.METAINFO['dataset_name'] for kind in KINDS if kind not in there]
    notes = [f'Not in {args.data}: {", ".join(absent)}.'] if absent else []
    if unknown:
        notes.append(
            f'Folders that are not named like a dataset: {", ".join(unknown)}.'
        )
    rows: dict[str, list[dict[str, Any]]] = {}
    for path in args.checkpoints:
        loaded = load(path, args)
        # all of them first, so that a missing image does not end a long test
        built = [build(loaded, item) for item in found]
        rows[path] = []
        for dataset, cell in built:
            if dataset is not None:
                cell['metrics'] = evaluate(loaded, dataset, args)
                print(f'{path} on {cell["folder"]}: top-1 {accuracy(cell, "top1")}')
            rows[path].append(cell)
    text = report(rows, notes)
    args.out.mkdir(parents=True, exist_ok=True)
    write_text(args.out / 'cross_dataset.md', text)
    content = {'data': str(args.data), 'not_there': absent, 'checkpoints': rows}
    write_text(args.out / 'cross_dataset.json', json.dumps(content, indent=1))
    print(f'\n{text}\nwritten to {args.out}/cross_dataset.md and .json')


if __name__ == '__main__':
    main()
