"""The half of QCS that exists in training only."""
