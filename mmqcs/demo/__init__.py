"""A page in the browser: ``python -m mmqcs.demo``."""
