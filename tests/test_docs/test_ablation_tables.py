"""The tables of docs/ablation.md are those of the trainings that were kept."""

import json
import runpy

import pytest
from conftest import ROOT

from mmqcs.runs.ablation import read_plan


@pytest.mark.parametrize('path', sorted((ROOT / 'configs/ablation').glob('*.json')))
def test_tables_are_those_of_the_results(path, monkeypatch):
    monkeypatch.chdir(ROOT)
    table_text = runpy.run_path('tools/analysis_tools/ablation.py')['table_text']
    plan = read_plan(path.with_suffix('.yml'), ROOT / 'work_dirs/nowhere')
    results = {
        cell: {int(seed): figures for seed, figures in seeds.items()}
        for cell, seeds in json.loads(path.read_text()).items()
    }
    assert {cell.name for cell in plan.cells()} == set(results)
    assert all(set(seeds) == set(plan.seeds) for seeds in results.values())
    page = (ROOT / 'docs/ablation.md').read_text()
    for table in plan.tables:
        heading, rows = table_text(table, results).split('\n\n', 1)
        assert f'#{heading}\n\n{rows}' in page
