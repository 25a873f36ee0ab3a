"""Datasets on disk, read as they are: names and annotations become clips, and nothing is dropped without a reason."""
