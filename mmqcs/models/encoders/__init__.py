"""Encoders of token sequences."""
