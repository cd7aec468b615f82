import json

import pytest

from mmqcs.runs.log import (
    Validation,
    best_on_test,
    read_validations,
    validation_rows,
)


def write_log(folder, records):
    (folder / 'vis_data').mkdir(parents=True)
    lines = [json.dumps(record) for record in records]
    (folder / 'vis_data/scalars.json').write_text('\n'.join(lines))


def record(step, top1, mean_class):
    values = {'top1': top1, 'mean_class': mean_class}
    values |= {f'{name}_low': value - 1 for name, value in values.items()} | {
        f'{name}_high': value + 2 for name, value in values.items()
    }
    return {'step': step} | {f'accuracy/{key}': v for key, v in values.items()}


def validation(step, top1, mean_class):
    intervals = [(value - 1, value + 2) for value in (top1, mean_class)]
    return Validation(step, top1, mean_class, *intervals)


def test_validations_of_a_resumed_run(tmp_path):
    loss = {'step': 1, 'loss': 2.0, 'accuracy_base': 3.0}
    write_log(tmp_path / '1', [loss, record(1, 40, 30), record(2, 70, 60)])
    write_log(tmp_path / '2', [record(2, 60, 65), record(3, 50, 55)])
    validations = read_validations(tmp_path)
    assert validations == [
        validation(1, 40, 30),
        validation(2, 60, 65),
        validation(3, 50, 55),
    ]
    assert best_on_test(validations) == validation(2, 60, 65)
    assert validation_rows(validations) == [
        (
            'Best epoch',
            'top-1 60.00 % (95 % interval 59.00 to 62.00), mean class 65.00 % (95 % '
            'interval 64.00 to 67.00), step 2',
        ),
        (
            'Last epoch',
            'top-1 50.00 % (95 % interval 49.00 to 52.00), mean class 55.00 % (95 % '
            'interval 54.00 to 57.00), step 3',
        ),
    ]
    assert read_validations(tmp_path / 'nothing') == validation_rows([]) == []


@pytest.mark.slow
def test_two_seeds_end_in_a_table(run, toy_config, tmp_path):
    arguments = ['misc/multi_seed.py', toy_config, '--seeds', 0, 1]
    options = ['--work-dir', 'out', '--', '--cfg-options', 'train_cfg.max_epochs=2']
    done = run(*arguments, *options, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    rows = (tmp_path / 'out/seeds.md').read_text().splitlines()
    assert len(rows) == 5
    assert rows[-1].startswith('| mean ± std |')
    assert rows[-1].count('±') == 5
    best, last = ([float(x) for x in row.split('|')[2:4:1]] for row in rows[2:4])
    assert all(0 <= value <= 100 for value in best + last)
    runs = json.loads((tmp_path / 'out/seeds.json').read_text())
    assert runs['1']['last epoch']['step'] == 2

    again = run(*arguments, *options, cwd=tmp_path)
    assert again.returncode == 0
    assert 'Epoch(train)' not in again.stdout + again.stderr
    other = run(*arguments, '--work-dir', 'out', cwd=tmp_path)
    assert other.returncode == 2
    assert 'other settings' in other.stderr


def test_a_seed_named_twice(run, toy_config, tmp_path):
    done = run('misc/multi_seed.py', toy_config, '--seeds', 1, 1, cwd=tmp_path)
    assert done.returncode == 2
    assert 'mmqcs: --seeds has a seed twice' in done.stderr
