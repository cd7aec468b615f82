"""Hooks."""

from .sam_hook import SAMHook

__all__ = ['SAMHook']
