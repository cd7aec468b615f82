"""Garbage collection of a program that starts."""

import gc

import pytest

from mmqcs.cli.startup import quick_imports


@pytest.fixture(autouse=True)
def thawed():
    yield
    gc.unfreeze()
    gc.freeze()  # as conftest.py does


def test_what_is_imported_is_not_searched_again():
    with quick_imports():
        assert not gc.isenabled()
        imported = [[]]
    assert gc.isenabled()
    tracked = {id(x) for x in gc.get_objects()}
    assert id(imported) not in tracked


def test_a_failed_import_turns_it_on_again():
    with pytest.raises(ImportError), quick_imports():
        raise ImportError
    assert gc.isenabled()
