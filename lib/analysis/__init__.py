"""What several chapters compute from run records; what one chapter alone computes stands in that chapter."""
