"""Runs of one test, file or session fixture do not reach the others."""

import pytest
from mmengine.logging import MMLogger


@pytest.fixture(scope='session')
def log_of_the_session(apart):
    with apart():
        log = MMLogger.get_instance('log of the session')
        assert MMLogger.get_current_instance() is log
    return log


def test_a_log_of_the_session_is_not_the_current_one(log_of_the_session):
    assert MMLogger.get_current_instance() is not log_of_the_session


def test_a_log_of_a_test_is_the_current_one_in_it():
    assert MMLogger.get_instance('log of a test') is MMLogger.get_current_instance()


def test_a_log_of_a_test_is_not_the_current_one_in_the_next():
    assert MMLogger.get_current_instance().instance_name == 'mmqcs-tests'
