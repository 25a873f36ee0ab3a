"""`python -m lib …`: see `lib.cli`."""

import os
import sys

from lib.cli import main

# A console may know fewer characters than the text has, and names on a disk need not be text at all.
for stream in (sys.stdout, sys.stderr):
    stream.reconfigure(errors="backslashreplace")
try:
    status = main()
    sys.stdout.flush()
except BrokenPipeError:  # the reader has seen enough, as in `python -m lib audit | head`
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or the interpreter complains while it closes
    status = 1
sys.exit(status)
