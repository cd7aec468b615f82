"""Web page for inference: ``python -m mmqcs.demo``."""
