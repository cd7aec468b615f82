"""Export a classifier as an ONNX file: the same program as ``mmqcs export``."""

from mmqcs.commands.export import main

if __name__ == '__main__':
    main()
