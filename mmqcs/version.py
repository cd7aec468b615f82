"""The version of the package, kept apart so that setup.cfg can read it."""

__version__ = '0.1.0'
