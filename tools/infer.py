"""Name expressions in images and videos: the same program as ``mmqcs infer``."""

from mmqcs.cli.startup import quick_imports

with quick_imports():
    from mmqcs.commands.infer import main

if __name__ == '__main__':
    raise SystemExit(main())
