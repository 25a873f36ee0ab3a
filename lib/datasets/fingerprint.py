"""What a dataset is called: real data by every byte that could be read from its clips, a stand-in by its recipe."""

import contextlib
import hashlib
import os
from functools import cache
from pathlib import Path

from lib.core.digest import json_digest
from lib.datasets.clip import Dataset, Trap, relative_to
from lib.datasets.digests import DIGESTS_FILE, differences, file_digest
from lib.datasets.frames import clip_files

RECIPE = ("dataset", "generator_version", "seed", "clips", "difficulty")
"""The entries of a stand-in's marker that decide its pictures. `dataset` also says in which layout they are written."""


def fingerprint(dataset: Dataset) -> str:
    """The identity of a dataset, 64 hexadecimal digits; it does not depend on where the dataset lies.

    A stand-in as it was rendered has that of its recipe, clip table and classes, the same on every machine, though
    another processor rounds some pixels differently. Anything else has that of the clip table, the classes, and every
    byte of the files that the clips are read from, about a second per gigabyte. Names and sizes would not do:
    uncompressed frames of another recording, or of a stand-in of another difficulty, have the same. A file that cannot
    be read (a link that leads nowhere) counts as such: preprocessing rejects its clip, with the reason.
    """
    if recipe := recipe_digest(dataset):
        return recipe
    digest = hashlib.blake2b(digest_size=32)
    digest.update(dataset.table().to_csv(index=False, lineterminator="\n").encode())
    digest.update("\n".join(dataset.classes).encode())
    digest_once = cache(file_digest)  # windows of one recording may share frames
    for clip in dataset.clips:
        for path in clip_files(clip):
            digest.update(relative_to(path, dataset.root).encode() + b"\0" + digest_once(path))
    return digest.hexdigest()


def recipe_digest(dataset: Dataset) -> str | None:
    """Digest of a stand-in's recipe, clip table and classes; None for real data and for a stand-in that has changed."""
    if not dataset.is_standin or damage(dataset):
        return None
    table = dataset.table()
    # relative to the stand-in, whichever of its folders was given
    table["source"] = [relative_to(clip.source.resolve(), dataset.standin_root) for clip in dataset.clips]
    return json_digest(
        {
            "recipe": {name: dataset.standin[name] for name in RECIPE},
            "clips": table.to_csv(index=False, lineterminator="\n"),
            "classes": dataset.classes,
        }
    )


def listing_digest(root: Path) -> str:
    """Digest of the names, sizes and times of all files under a folder: tells at once whether to look again."""
    digest = hashlib.blake2b(digest_size=16)
    for folder, folders, names in os.walk(root, followlinks=True):
        folders.sort()
        for name in sorted(names):
            path = Path(folder) / name
            with contextlib.suppress(OSError):  # a link that leads nowhere
                state = path.stat()
                told = f"{relative_to(path, root)}\0{state.st_size}\0{state.st_mtime_ns}\n"
                digest.update(told.encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def rendering_digest(dataset: Dataset) -> str | None:
    """Digest of a stand-in's bytes as they were rendered, by the record beside them; None for real data."""
    root = dataset.standin_root
    return file_digest(root / DIGESTS_FILE).hex() if root is not None else None


def damage(dataset: Dataset) -> str:
    """What differs in a stand-in from what was rendered, in words; empty if nothing does, and for real data."""
    if not dataset.is_standin:
        return ""
    root = dataset.standin_root
    outside = [clip.clip_id for clip in dataset.clips if root is None or not clip.source.resolve().is_relative_to(root)]
    if outside:
        return f"{len(outside)} clips do not lie in it ({outside[0]}, …)"
    return differences(root)


def damage_traps(dataset: Dataset) -> list[Trap]:
    """One trap for a stand-in that is not what was rendered; none otherwise."""
    told = damage(dataset)
    detail = f"not what was rendered, so identified by its bytes and not by its recipe: {told}"
    return [Trap("damaged_standin", dataset.standin_root or dataset.root, detail)] if told else []
