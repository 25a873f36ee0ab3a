"""Scores, intervals, tests and power: pure functions of numbers and tables."""
