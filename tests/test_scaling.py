"""What docs/scaling.md says of commands and batches is so."""

import math
import re

import pytest
from doc_case import ROOT, blocks, commands
from mmengine.config import Config
from test_tools.tool_helpers import load_tool, merged

from mmqcs.registry import MODELS

PAGE = ROOT / 'docs/scaling.md'
COMMANDS = blocks(PAGE, 'bash')
NEW_KEYS = {'sync_bn', 'auto_scale_lr.base_batch_size'}


def processes(arguments):
    """How many processes the arguments of python or srun ask for."""
    options = dict(a.split('=', 1) for a in arguments if re.match(r'--[^=]+=', a))
    if arguments[0] == 'srun':
        assert int(options['--ntasks']) % int(options['--ntasks-per-node']) == 0
        return int(options['--ntasks'])
    return int(options.get('--nnodes', 1)) * int(options.get('--nproc_per_node', 1))


def given(arguments):
    """What tools/train.py gets."""
    (at,) = (i for i, a in enumerate(arguments) if a.endswith('tools/train.py'))
    return arguments[at + 1 :]


def test_the_page_shows_each_way():
    programs = [' '.join(re.findall(r'tools/\w+\.\w+', c.code)) for c in COMMANDS]
    assert len(programs) == 6
    assert {'tools/train.py', 'tools/dist_train.sh', 'tools/slurm_train.sh'} == set(
        programs
    )


@pytest.mark.parametrize('block', COMMANDS, ids=str)
def test_commands_start_what_they_say(block, tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)
    (arguments,) = commands(block, tmp_path)
    command = block.code
    gpus = re.search(r'GPUS=(\d+)|\.py (\d+)', command)
    machines = int((re.search(r'NNODES=(\d+)', command) or [1, 1])[1])
    expected = machines * int(gpus[1] or gpus[2]) if gpus else 1
    assert processes(arguments) == expected

    options = given(arguments)
    config = merged(load_tool('train'), monkeypatch, *options)
    MODELS.build(config.model.cross.attention)  # takes no unknown options
    raw = Config.fromfile(options[0])
    for key, value in re.findall(r' ([a-z_.]+)=(\S+)', command):
        *parents, last = key.split('.')
        if key not in NEW_KEYS:
            assert isinstance(at(raw, parents), dict), f'{key}: not in {options[0]}'
        assert str(at(config, parents)[last]) == value
    enabled = (config.get('auto_scale_lr') or {}).get('enable', False)
    assert enabled == ('base_batch_size' in command)


def at(config, keys):
    """The part of a config below some keys."""
    for key in keys:
        config = config[key]
    return config


def test_batches_in_the_table():
    rows = re.findall(r'^' + r'\| (\d+) ' * 5 + r'\|', PAGE.read_text(), re.M)
    assert len(rows) == 5
    for row in rows:
        gpus, each, anchors, images, iterations = map(int, row)
        assert anchors == gpus * each
        assert images == 4 * anchors
        assert iterations == math.ceil(math.ceil(12271 / gpus) / each)
    config = Config.fromfile(ROOT / 'configs/qcs/qcs_ir50_raf.py')
    assert config.train_dataloader.batch_size == int(rows[0][1])
    assert config.optim_wrapper.optimizer.lr == 3e-6
