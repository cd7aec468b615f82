"""Options, checks and launching shared by the programs in ``tools`` and the demo."""
