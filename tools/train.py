"""Train a model: the same program as ``mmqcs train``."""

from mmqcs.commands.train import main

if __name__ == '__main__':
    main()
