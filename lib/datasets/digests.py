"""Whether a folder still holds what was written into it: digests of its files, beside them, and what differs since."""

import contextlib
import csv
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

from lib.datasets.folders import is_junk

DIGESTS_FILE = "_digests.csv"
DIGEST_COLUMNS = ("path", "bytes", "blake2b")
_SHOWN = 3  # files that a message names of each kind


def file_digest(path: Path) -> bytes:
    """blake2b of a file's bytes. A file that cannot be read (a link that leads nowhere) has a digest of its own."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=32)).digest()
    except OSError:
        return b"unreadable"


def write_digests(folder: Path) -> None:
    """Write ``_digests.csv``: path (relative to `folder`), size in bytes and blake2b of every file below `folder`."""
    files = [(name, path) for name, path in _files(folder) if name != DIGESTS_FILE]
    rows = [(name, path.stat().st_size, file_digest(path).hex()) for name, path in files]
    with (folder / DIGESTS_FILE).open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows([DIGEST_COLUMNS, *rows])


def differences(folder: Path) -> str:
    """What differs in a folder from its ``_digests.csv``, in words; empty if nothing does.

    Every byte is read, about a second per gigabyte. A folder in which nothing differed is read again only after a file
    was touched: the names, sizes and times of its files are noted beside it, in ``.<name>.checked``.
    """
    if not (folder / DIGESTS_FILE).is_file():
        return f"it has no {DIGESTS_FILE}"
    states = {name: path.stat() for name, path in _files(folder)}
    noted = repr(tuple((name, one.st_size, one.st_mtime_ns, one.st_ctime_ns) for name, one in states.items()))
    digest = hashlib.blake2b(noted.encode("utf-8", "surrogateescape")).hexdigest()
    note = folder.with_name(f".{folder.name}.checked")
    with contextlib.suppress(OSError):
        if note.read_text(encoding="utf-8") == digest:
            return ""
    told = _differences(folder, {name: one.st_size for name, one in states.items() if name != DIGESTS_FILE})
    if not told:
        with contextlib.suppress(OSError):  # a place that cannot be written is read again each time
            note.write_text(digest, encoding="utf-8")
    return told


def _differences(folder: Path, sizes: dict[str, int]) -> str:
    """`differences` of a folder whose files have these sizes."""
    try:
        with (folder / DIGESTS_FILE).open(newline="", encoding="utf-8") as file:
            written = {row["path"]: (int(row["bytes"]), row["blake2b"]) for row in csv.DictReader(file)}
    except (OSError, ValueError, KeyError, TypeError):
        return f"its {DIGESTS_FILE} cannot be read"
    same_size = [name for name, (size, _) in written.items() if sizes.get(name) == size]
    same = {name for name in same_size if file_digest(folder / name).hex() == written[name][1]}
    found = {
        "missing": written.keys() - sizes.keys(),
        "added": sizes.keys() - written.keys(),
        "changed": (written.keys() & sizes.keys()) - same,
    }
    return "; ".join(f"{len(names)} {what} ({_some(sorted(names))})" for what, names in found.items() if names)


def _some(names: list[str]) -> str:
    return ", ".join(names[:_SHOWN]) + (", …" if len(names) > _SHOWN else "")


def _files(folder: Path) -> Iterator[tuple[str, Path]]:
    """Name relative to `folder`, and path, of every file below it but what operating systems leave behind."""
    for parent, subfolders, names in os.walk(folder):
        subfolders[:] = sorted(name for name in subfolders if not is_junk(Path(name)))
        inside = Path(parent).relative_to(folder)
        for name in sorted(names):
            path = Path(parent, name)
            if not is_junk(path) and path.is_file():
                yield (inside / name).as_posix(), path
