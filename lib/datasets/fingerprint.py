"""A digest that changes whenever anything changes that could be read from a dataset's clips."""

import hashlib
from pathlib import Path

from lib.datasets.clip import Dataset, relative_to
from lib.datasets.frames import clip_files


def fingerprint(dataset: Dataset) -> str:
    """Digest of the clip table, the classes, and every byte of the files that the clips are read from.

    Names and sizes would not do: uncompressed frames of another recording, or of a stand-in of another difficulty, have
    the same. Reading takes about a second per gigabyte. It does not depend on where the dataset lies. A file that
    cannot be read (a link that leads nowhere) counts as such: preprocessing rejects its clip, with the reason.
    """
    digest = hashlib.blake2b(digest_size=32)
    digest.update(dataset.table().to_csv(index=False, lineterminator="\n").encode())
    digest.update("\n".join(dataset.classes).encode())
    known = {}
    for clip in dataset.clips:
        for path in clip_files(clip):
            if path not in known:  # windows of one recording may share frames
                known[path] = _file_digest(path)
            digest.update(relative_to(path, dataset.root).encode() + b"\0" + known[path])
    return digest.hexdigest()


def _file_digest(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=32)).digest()
    except OSError:
        return b"unreadable"
