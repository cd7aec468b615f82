"""Samplers of anchors and of groups."""
