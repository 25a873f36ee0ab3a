"""A copy of this checkout for tests that build in it, so that a book being built here is left alone."""

import os
import shutil
import sys
from pathlib import Path

from lib.core import paths


def copy_checkout(folder: Path) -> Path:
    """What the build graph reads, and nothing that it makes."""
    for name in ("book", "lib", "notebooks", "profiles", "data/paper", "data/standin"):
        if (paths.REPOSITORY / name).is_dir():
            shutil.copytree(paths.REPOSITORY / name, folder / name)
    for name in ("Snakefile", "_config.yml", "_toc.yml", "CITATION.cff"):
        shutil.copy(paths.REPOSITORY / name, folder / name)
    return folder


def build_environment(checkout: Path) -> dict[str, str]:
    """As `make` sets it: this environment's programs, the copy's library, no data folder but the copy's."""
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(checkout),
    }
    for variable in ("MICROEXP_DATA", "SMIC_ROOT", "CASME2_SQ_ROOT"):
        environment.pop(variable, None)
    return environment
