"""The program that writes scenes to disk."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from mmqcs.synth import SynthFERSettings
from mmqcs.synth.scenes import SceneSettings, render_scene, scene_faces

pytest_plugins = 'program_runner'

TOOL = Path(__file__).parents[2] / 'tools/dataset_converters/synth_fer_scenes.py'
SMALL = ('--train', 3, '--val', 2, '--workers', 1, '--image-size', 128, '--seed', 5)
SETTINGS = SceneSettings(SynthFERSettings(seed=5), image_size=128)


def contents(root):
    files = (path for path in root.rglob('*') if path.is_file())
    return {str(path.relative_to(root)): path.read_bytes() for path in files}


def test_coco(run, tmp_path):
    done = run(TOOL, tmp_path / 'out', *SMALL)
    assert done.returncode == 0, done.stderr
    for split, name, count in (('train', 'train', 3), ('val', 'test', 2)):
        content = json.loads((tmp_path / f'out/annotations/{split}.json').read_text())
        assert len(content['images']) == count
        for i, image in enumerate(content['images']):
            drawn = cv2.imread(str(tmp_path / 'out' / split / image['file_name']))
            assert np.array_equal(drawn, render_scene(SETTINGS, name, i))
            labels = [face.label + 1 for face in scene_faces(SETTINGS, name, i)]
            assert labels == [
                annotation['category_id']
                for annotation in content['annotations']
                if annotation['image_id'] == image['id']
            ]


def test_widerface(run, tmp_path):
    run(TOOL, tmp_path / 'out', *SMALL, '--layout', 'widerface')
    names = set(contents(tmp_path / 'out'))
    for split, count in (('train', 3), ('val', 2)):
        stems = (tmp_path / f'out/{split}.txt').read_text().split()
        assert len(stems) == count
        for stem in stems:
            assert f'WIDER_{split}/images/{stem}.jpg' in names
            assert f'WIDER_{split}/Annotations/{stem}.xml' in names


def test_goes_on_where_it_was_cut_off(run, tmp_path):
    out = tmp_path / 'out'
    run(TOOL, out, *SMALL)
    before = contents(out)
    assert 'is complete' in run(TOOL, out, *SMALL, '--workers', 2).stdout
    mark = out / 'synthfer_scenes.json'
    mark.write_text(json.dumps({**json.loads(mark.read_text()), 'complete': False}))
    (out / 'val/000002.png').unlink()
    assert 'written' in run(TOOL, out, *SMALL).stdout
    assert contents(out) == before


def test_other_settings_need_overwrite(run, tmp_path):
    out = tmp_path / 'out'
    run(TOOL, out, *SMALL)
    done = run(TOOL, out, *SMALL, '--layout', 'widerface')
    assert done.returncode == 2
    assert 'layout: coco, not widerface' in done.stderr
    assert run(TOOL, out, *SMALL, '--layout', 'widerface', '--overwrite').stderr == ''
    assert not (out / 'annotations').exists()
    assert (out / 'train.txt').exists()


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (('--train', -1), '--train must be at least 0, got -1'),
        (('--workers', 0), '--workers must be at least 1, got 0'),
        (('--classes', 6), '--classes must be 7, or 8 to add contempt, got 6'),
        (('--max-size', 300), '--max-size must be from min_size to image_size'),
        (('--difficulty', 2), '--difficulty must be from 0 (easy) to 1 (hard), got'),
        (('--layout', 'voc'), "invalid choice: 'voc'"),
    ],
)
def test_errors(run, tmp_path, options, message):
    done = run(TOOL, tmp_path / 'out', *options)
    assert done.returncode == 2
    assert done.stderr.startswith('mmqcs: ')
    assert done.stderr.count('\n') == 1
    assert message in done.stderr
    assert not (tmp_path / 'out').exists()


def test_foreign_files_are_kept(run, tmp_path):
    (tmp_path / 'train').mkdir()
    done = run(TOOL, tmp_path, *SMALL)
    message = f'{tmp_path}/train exists and was not written as SynthFER scenes'
    assert message in done.stderr
