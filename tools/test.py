"""Test a model: the same program as ``mmqcs test``."""

from mmqcs.cli.startup import quick_imports

with quick_imports():
    from mmqcs.commands.test import main

if __name__ == '__main__':
    main()
