"""Export a classifier as an ONNX file: the same program as ``mmqcs export``."""

from mmqcs.cli.startup import quick_imports

with quick_imports():
    from mmqcs.commands.export import main

if __name__ == '__main__':
    main()
