"""Writes and reads the files that a training or test leaves behind."""
