"""Checks of whole datasets: unreadable images, and copies across splits."""
