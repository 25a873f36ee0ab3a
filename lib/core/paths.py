"""Where things lie: the checkout, its commit, and the data folder in it.

`MICROEXP_DATA` moves the data folder elsewhere; `MICROEXP_KEPT=no` hides the run records that are kept with the book.
"""

import os
import subprocess
from functools import cache
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent.parent
NOTEBOOKS = REPOSITORY / "notebooks"
CITED_RUNS = REPOSITORY / "book" / "runs"  # records of the runs that the committed chapters cite


def data_folder() -> Path:
    """The folder of whatever is made here, such as raw/ and runs/; read at each call, so that tests can move it."""
    return Path(os.environ.get("MICROEXP_DATA") or REPOSITORY / "data")


def use_kept() -> bool:
    """Whether a run may be found among the records that are kept with the book."""
    return os.environ.get("MICROEXP_KEPT", "yes").lower() not in ("no", "false", "0")


def processed_folder() -> Path:
    return data_folder() / "processed"


def runs_folder() -> Path:
    return data_folder() / "runs"


def results_folder() -> Path:
    return data_folder() / "results"


def weights_folder() -> Path:
    return data_folder() / "weights"


def display_path(path: Path) -> str:
    """A path as shown to people and written to records: relative to the checkout where it lies in it."""
    path = Path(path)
    return path.relative_to(REPOSITORY).as_posix() if path.is_relative_to(REPOSITORY) else path.name


@cache
def commit() -> str:
    """The commit, with a plus sign where tracked files differ from it; "unknown" where git cannot tell."""

    def git(*arguments: str) -> str:
        command = ["git", "-C", str(REPOSITORY), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=30).stdout.strip()

    try:
        return git("rev-parse", "--short=12", "HEAD") + ("+" if git("status", "--porcelain", "-uno") else "")
    except (OSError, subprocess.SubprocessError):
        return "unknown"
