"""Which commit of this checkout is running."""

import subprocess
from functools import cache

from lib.paths import REPOSITORY


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
