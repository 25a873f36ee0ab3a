"""What every part stands on and what knows no science: paths, errors, digests, the machine."""
