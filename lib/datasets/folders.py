"""Walking through a copy of a dataset on disk: in one order everywhere, whatever the case of a name, junk put aside.

Only names are read here. What a name means is left to each dataset's loader.
"""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

from lib.core.errors import DatasetError
from lib.datasets.clip import STANDIN_MARKER, natural_key
from lib.datasets.text import normal

JUNK_NAMES = ("thumbs.db", "desktop.ini", "ehthumbs.db", "icon\r")


def is_junk(path: Path) -> bool:
    """Files that operating systems leave behind: ``Thumbs.db``, ``.DS_Store``, ``._img1.jpg``, ``~$sheet.xlsx`` …"""
    return path.name.lower() in JUNK_NAMES or path.name.startswith((".", "~$")) or path.name == "__MACOSX"


def listed(folder: Path) -> list[Path]:
    """All that lies in a folder, in natural order; DatasetError if it cannot be listed."""
    try:
        return sorted(folder.iterdir(), key=lambda path: natural_key(path.name))
    except OSError as error:
        raise DatasetError(f"Cannot list {folder}: {error.strerror}. Check that it exists and may be read.") from error


def entries(folder: Path) -> tuple[Path, ...]:
    """What is `listed` in a folder; entries named ``_…`` and ``.…``, junk and the stand-in marker left out."""
    found = (path for path in listed(folder) if not path.name.startswith("_") and path.name != STANDIN_MARKER)
    return tuple(path for path in found if not is_junk(path))


def subfolders(folder: Path) -> tuple[Path, ...]:
    """The folders among `entries`."""
    return tuple(path for path in entries(folder) if path.is_dir())


def existing_folder(root: Path | str) -> Path:
    """`root` as a Path; DatasetError if it is no folder."""
    root = Path(root).expanduser()
    if root.is_dir():
        return root
    found = "a file" if root.exists() else "nothing"
    raise DatasetError(f"Expected the folder of a dataset at {root}, found {found}. Give the folder that holds it.")


def walk(root: Path, enters: Callable[[str], bool]) -> Iterator[Path]:
    """`root` and the folders below it, breadth first, entering those whose plain name `enters` accepts.

    A folder that lies in another of its own name is entered too. A link back to a folder seen before is not.
    """
    waiting, seen = [root], set()
    while waiting:
        folder = waiting.pop(0)
        if folder.resolve() in seen:
            continue
        seen.add(folder.resolve())
        yield folder
        for path in subfolders(folder):
            if enters(plain(path.name)) or path.name.lower() == folder.name.lower():
                waiting.append(path)


def child(folder: Path, name: str) -> Path | None:
    """The entry of that name, upper and lower case alike; None if there is none."""
    return next((path for path in entries(folder) if path.name.lower() == name.lower()), None)


def plain(name: str) -> str:
    """A name reduced to lower-case letters and digits: ``"SMIC-E_raw image"`` and ``"smic_e raw_image"`` agree."""
    return re.sub(r"[^a-z0-9]", "", normal(name).lower())


def found_here(folder: Path, limit: int = 8) -> str:
    """What lies in a folder, in words, for an error message."""
    names = [path.name + ("/" if path.is_dir() else "") for path in entries(folder)]
    if not names:
        return "nothing (the folder is empty)"
    more = f" and {len(names) - limit} more" if len(names) > limit else ""
    return ", ".join(names[:limit]) + more
