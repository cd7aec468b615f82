"""Test a model: the same program as ``mmqcs test``."""

from mmqcs.commands.test import main

if __name__ == '__main__':
    main()
