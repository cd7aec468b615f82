"""Train a model: the same program as ``mmqcs train``."""

from mmqcs.cli.startup import quick_imports

with quick_imports():
    from mmqcs.commands.train import main

if __name__ == '__main__':
    main()
