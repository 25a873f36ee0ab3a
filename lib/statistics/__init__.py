"""Scores and intervals: pure functions of numbers and tables."""
