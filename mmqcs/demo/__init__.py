"""Web page for inference: ``mmqcs demo``."""
