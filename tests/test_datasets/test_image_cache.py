"""The cache of decoded images."""

import multiprocessing

import cv2
import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from mmqcs.datasets import RAFDB
from mmqcs.datasets.base.image_cache import ImageCache

COUNT = 6


def image(seed, height=5, width=4):
    """A random image."""
    rng = np.random.default_rng(seed)
    return rng.integers(256, size=(height, width, 3), dtype=np.uint8)


def test_gives_back_what_was_put():
    cache = ImageCache(3, 1000)
    assert cache.get(0) is None
    images = [image(0), image(1, 7, 3)]
    for index, one in enumerate(images):
        assert cache.put(index, one)
    assert cache.used == sum(one.size for one in images)
    for index, one in enumerate(images):
        np.testing.assert_array_equal(cache.get(index), one)
    assert cache.get(2) is None


def test_a_full_cache_stays_as_it_is():
    cache = ImageCache(3, 100)
    assert cache.put(0, image(0))
    assert not cache.put(1, image(1))
    assert cache.put(2, image(2, 2, 2))
    assert cache.get(1) is None
    np.testing.assert_array_equal(cache.get(0), image(0))
    np.testing.assert_array_equal(cache.get(2), image(2, 2, 2))
    assert cache.used == 72


def test_changing_an_image_leaves_the_cache_alone():
    cache = ImageCache(1, 1000)
    original = image(0)
    cache.put(0, original)
    original += 1
    cache.get(0)[:] = 0
    np.testing.assert_array_equal(cache.get(0), image(0))


@pytest.mark.parametrize(
    'other', [np.zeros((2, 2), np.uint8), np.zeros((2, 2, 3), np.float32)]
)
def test_other_arrays_are_not_kept(other):
    cache = ImageCache(1, 1000)
    assert not cache.put(0, other)
    assert cache.get(0) is None


def test_limit_must_be_positive():
    with pytest.raises(ValueError, match='limit must be positive'):
        ImageCache(1, 0)


def test_processes_share_it():
    cache = ImageCache(40, 10_000)
    fork = multiprocessing.get_context('fork')
    workers = [
        fork.Process(target=lambda k=k: [cache.put(i, image(i)) for i in range(k, 40)])
        for k in (0, 10)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert cache.used == 40 * image(0).size
    for index in range(40):
        np.testing.assert_array_equal(cache.get(index), image(index))


@pytest.fixture
def root(tmp_path):
    """RAF-DB with six images."""
    folder = tmp_path / 'Image/aligned'
    folder.mkdir(parents=True)
    rows = []
    for index in range(COUNT):
        name = f'train_{index + 1:05d}'
        cv2.imwrite(str(folder / f'{name}_aligned.jpg'), image(index, 20, 20))
        rows.append(f'{name}.jpg {index + 1}\n')
    (tmp_path / 'EmoLabel').mkdir()
    (tmp_path / 'EmoLabel/list_patition_label.txt').write_text(''.join(rows))
    return tmp_path


def dataset(root, cache_mib, **load):
    """RAF-DB with a cache."""
    pipeline = [dict(type='LoadImageFromFile', **load), dict(type='PackInputs')]
    return RAFDB(data_root=str(root), pipeline=pipeline, cache_mib=cache_mib)


def batches(data, workers=0, method=None):
    """All inputs and what is known of them."""
    loader = DataLoader(
        data, num_workers=workers, collate_fn=list, multiprocessing_context=method
    )
    return [(s['inputs'], s['data_samples']) for (s,) in loader]


@pytest.mark.parametrize('workers', [0, 2])
def test_same_samples_with_and_without_it(root, workers):
    cached = dataset(root, 1)
    wanted = batches(dataset(root, 0))
    for _ in range(2):
        for got, want in zip(batches(cached, workers), wanted, strict=True):
            assert torch.equal(got[0], want[0])
            assert got[1].to_dict().keys() == want[1].to_dict().keys()
            for key in ('img_path', 'sample_idx', 'img_shape', 'ori_shape'):
                assert got[1].metainfo[key] == want[1].metainfo[key]
        # what the workers decode, this process finds
        assert cached.cache.used == COUNT * 20 * 20 * 3


@pytest.mark.slow
def test_a_spawned_worker_shares_it(root):
    cached = dataset(root, 1)
    wanted = batches(dataset(root, 0))
    found = batches(cached, 1, 'spawn')
    for (got, _), (want, _) in zip(found, wanted, strict=True):
        assert torch.equal(got, want)
    assert cached.cache.used == COUNT * 20 * 20 * 3


def test_the_files_are_read_once(root):
    cached = dataset(root, 1)
    batches(cached)
    for path in root.rglob('*.jpg'):
        path.unlink()
    assert len(batches(cached)) == COUNT


def test_arguments_of_the_loading_hold(root):
    cached = dataset(root, 1, color_type='grayscale')
    plain = batches(dataset(root, 0, color_type='grayscale'))
    for _ in range(2):
        for (got, _), (want, _) in zip(batches(cached), plain, strict=True):
            assert torch.equal(got, want)
    assert cached.cache.used == 0  # grey images are not kept


def test_pipelines_that_load_nothing_work(root):
    assert 'img' not in RAFDB(str(root), cache_mib=1)[0]
    data = dataset(root, 1)
    data.pipeline.transforms = [lambda results: cv2.imread(results['img_path'])]
    for _ in range(2):
        assert data[0].shape == (20, 20, 3)
    assert data.cache.used == 0


def test_what_a_transform_drops_is_an_error(root):
    data = dataset(root, 1)
    data.pipeline.transforms.insert(1, lambda results: None)
    for _ in range(2):
        with pytest.raises(RuntimeError, match=r'image 0, .*aligned.jpg, .*None'):
            data[0]
