"""The half of QCS that exists in training only."""

from .cross_branch import CrossBranch

__all__ = ['CrossBranch']
