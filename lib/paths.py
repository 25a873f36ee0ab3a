"""Where things lie: the checkout and the data folder in it. `MICROEXP_DATA` moves the data folder elsewhere."""

import os
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
NOTEBOOKS = REPOSITORY / "notebooks"


def data_folder() -> Path:
    """The folder that holds raw/, processed/, runs/ and results/; read at every call, so that tests can move it."""
    return Path(os.environ.get("MICROEXP_DATA") or REPOSITORY / "data")


def raw_folder() -> Path:
    return data_folder() / "raw"


def processed_folder() -> Path:
    return data_folder() / "processed"


def runs_folder() -> Path:
    return data_folder() / "runs"


def results_folder() -> Path:
    return data_folder() / "results"
