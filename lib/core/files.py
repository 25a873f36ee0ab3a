"""Files and folders that are written whole or not at all, one lock that is waited for, one error of a disk."""

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout
from tqdm import tqdm

from lib.core.errors import DiskError, DiskFullError


@contextmanager
def writing(place: Path) -> Iterator[None]:
    """Turn a failure to write at `place` into a `DiskError`, a `DiskFullError` where space or quota ran out."""
    try:
        yield
    except OSError as error:
        kind = DiskFullError if error.errno in (errno.ENOSPC, errno.EDQUOT) else DiskError
        raise kind(
            f"{place} cannot be written: {error}. Make room, or check that folder and its rights; then ask again."
        ) from error


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """A draft to write, with the ending of `path`. It takes its place when the block ends, and vanishes if it fails.

    What was at `path` stays until then, through a power failure too. Folders above `path` are made. A pipe or a device,
    such as /dev/stdout, is written to as it is. `DiskError` if the block or the replacement cannot write.
    """
    draft = path.with_name(f".draft-{path.name}")  # the ending stays: NumPy and Keras insist on theirs
    if path.exists() and not path.is_file():
        with writing(path):
            yield path
        return
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield draft
            with draft.open("r+b") as file:
                os.fsync(file.fileno())
            draft.replace(path)
        finally:
            draft.unlink(missing_ok=True)


@contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """A draft to fill. It takes the place of `path`, absent or empty, when the block ends, and vanishes if it fails.

    One process at a time: what a killed one left of its draft is swept away. Folders above `path` are made. `DiskError`
    if the block or the replacement cannot write, or `path` holds something when the block has ended.
    """
    draft = path.with_name(f".{path.name}.draft")
    with writing(path):
        try:
            if draft.exists():
                shutil.rmtree(draft)
            draft.mkdir(parents=True)
            yield draft
            draft.replace(path)
        finally:
            shutil.rmtree(draft, ignore_errors=True)


@contextmanager
def locked(path: Path, work: str, progress: bool) -> Iterator[None]:
    """Hold a lock for this process; wait for another that holds it. The system lets go of it when its process dies.

    The file at `path` stays: removing it would let two waiting processes hold two different locks. Folders above it are
    made. With `progress` a wait is said, and what the other process is doing: `work`, such as "training run 0123".
    `DiskError` if there can be no lock there.
    """
    lock = FileLock(path)
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            lock.acquire(blocking=False)
        except Timeout:
            if progress:
                tqdm.write(f"Another process is {work}: waiting for it.")
            lock.acquire()
    try:
        yield
    finally:
        lock.release()
