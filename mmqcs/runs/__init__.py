"""The files that a training run or a test leaves behind, and reading them."""
