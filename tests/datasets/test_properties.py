"""Whatever names and cells a loader is given: a clip or a rejection with its reason for each, and no other error."""

import itertools
import tempfile
import unicodedata
from contextlib import contextmanager
from pathlib import Path

import cv2
import pytest
import trees
from hypothesis import given
from hypothesis import strategies as st
from strategies import cells, examples, names

from lib.core.errors import DatasetError
from lib.datasets import load_dataset
from lib.datasets.clip import Dataset
from lib.datasets.fingerprint import fingerprint
from lib.datasets.spreadsheets import read_sheets
from lib.datasets.text import printable

PICTURE = cv2.imencode(".png", trees.image())[1].tobytes()
KINDS = ("frames", "frames", "one frame", "empty folder", "video", "text")
entries = st.lists(st.tuples(names, st.sampled_from(KINDS)), max_size=4)


@contextmanager
def folder():
    with tempfile.TemporaryDirectory() as place:
        yield Path(place)


def write_entry(path: Path, kind: str) -> bool:
    """Put something of that kind at a path; False where the name is taken, or too long with what is written there."""
    if path.exists():
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    if kind in ("video", "text"):
        path.write_bytes(b"RIFF")
    else:
        path.mkdir()
        for number in range({"frames": 3, "one frame": 1}.get(kind, 0)):
            (path / f"img{number}.png").write_bytes(PICTURE)
    return True


def loaded(name: str, root: Path, **options) -> Dataset | None:
    """The dataset, checked for what holds of every dataset; None where the loader says that there is none."""
    try:
        dataset = load_dataset(name, root, **options)
    except DatasetError as error:
        assert str(error)
        return None
    ids = [clip.clip_id for clip in dataset.clips]
    assert len({one.casefold() for one in ids}) == len(ids)
    assert not any(set(one) & set('/\\:*?"<>|\0\n') for one in ids)
    assert all(one.reason and one.detail for one in dataset.rejected)
    for table in (dataset.table(), dataset.rejected_table()):
        table.to_csv(index=False).encode("utf-8")
    assert len(fingerprint(dataset)) == 64
    return dataset


def said_of(dataset: Dataset) -> set[Path]:
    """Every path that a clip is read from, that is rejected, or that a trap is about."""
    return {one.source for one in (*dataset.clips, *dataset.rejected)} | {trap.path for trap in dataset.traps}


def assert_accounted(dataset: Dataset, path: Path) -> None:
    """A path, or a folder that it lies in, is spoken of, or a trap names it; of a doubled folder the inner one is."""
    told = said_of(dataset)
    lines = [path, *path.parents]
    lines = lines[: lines.index(dataset.root)]
    by_name = any(
        trap.path == one.parent and (printable(one.name) in trap.detail or trap.kind == "loose_frames")
        for one in lines
        for trap in dataset.traps
    )
    assert by_name or told & set(lines) or any(path in one.parents for one in told), path


# --- names ---


@given(st.lists(st.tuples(names, entries), min_size=1, max_size=3))
@examples(25)
def test_every_entry_of_a_class_folder_is_a_clip_or_named(classes):
    with folder() as root:
        written = []
        for label, inside in classes:
            if (root / label).exists() and not (root / label).is_dir():
                continue
            (root / label).mkdir(exist_ok=True)
            written += [root / label / name for name, kind in inside if write_entry(root / label / name, kind)]
        dataset = loaded("class_folders", root)
        for path in written if dataset is not None else ():
            assert_accounted(dataset, path)


@given(st.lists(st.tuples(names, st.sampled_from(["negative", "Surprise", "x"]), names), min_size=1, max_size=4))
@examples(15)
def test_every_clip_folder_of_smic_is_a_clip_or_named(clips):
    with folder() as root:
        trees.write_smic(root, clips=trees.SMIC_CLIPS[:2])
        base = root / "SMIC_all_raw" / "HS"
        paths = [base / subject / "micro" / emotion / clip for subject, emotion, clip in clips]
        written = [path for path in paths if _free(path) and write_entry(path, "frames")]
        dataset = loaded("smic", root)
        assert dataset is not None
        for path in written:
            assert_accounted(dataset, path)


@pytest.mark.parametrize("layout", ["rawpic", "selectedpic", "rawvideo"])
@given(clips=st.lists(st.tuples(names, names, st.sampled_from(KINDS)), min_size=1, max_size=4))
@examples(8)
def test_every_recording_of_casme2_is_a_clip_or_named(layout, clips):
    with folder() as root:
        trees.write_coding(root)
        write_entry(root / "rawpic" / "s15" / "15_0401girlcrashing", "frames")
        write_entry(root / "selectedpic" / "s15" / "anger1_1", "frames")
        write_entry(root / "rawvideo" / "s15" / "15_0401girlcrashing.avi", "video")
        (root / "selectedpic" / "s15" / "anger1_1" / "img5.png").write_bytes(PICTURE)
        (root / "rawpic" / "s15" / "15_0401girlcrashing" / "img5.png").write_bytes(PICTURE)
        paths = [(root / layout / subject / clip, kind) for subject, clip, kind in clips]
        written = [path for path, kind in paths if _free(path) and write_entry(path, kind)]
        dataset = loaded("casme2_sq", root, layout=layout)
        for path in written if dataset is not None else ():
            assert_accounted(dataset, path)


def _free(path: Path) -> bool:
    """Whether a path can be made: nothing above it is a file."""
    return not any(one.exists() and not one.is_dir() for one in path.parents)


# --- cells ---


@pytest.fixture(scope="module")
def casme2(tmp_path_factory):
    root = trees.write_rawpic(tmp_path_factory.mktemp("casme2"))
    trees.write_selectedpic(root)
    for row in trees.CASME2_ROWS:
        subject, name = trees.recording_name(row)
        write_entry(root / "rawvideo" / subject / f"{name}.avi", "video")
    return root


@pytest.fixture(scope="module")
def smic_e(tmp_path_factory):
    return trees.write_smic_e(tmp_path_factory.mktemp("smic_e"))


def replaced(rows, changes) -> list[list]:
    """Rows with some of their cells replaced; a change is (row, column, value)."""
    rows = [list(row) for row in rows]
    for row, column, value in changes:
        rows[row % len(rows)][column % len(rows[0])] = value
    return rows


def frame_of(value: object) -> int | None:
    """The frame that a cell says, read as a person would; None if it says none."""
    if isinstance(value, bool) or value is None:
        return None
    text = unicodedata.normalize("NFKC", str(value)).replace("\u200b", "").strip()
    whole, _, rest = text.partition(".")
    return int(whole) if whole.isdecimal() and rest in ("", "0") else None


def changes(*columns: int) -> st.SearchStrategy:
    """What is written into which cells; these columns are chosen more often than the others."""
    column = st.one_of(st.sampled_from(columns), st.integers(0, 8))
    return st.lists(st.tuples(st.integers(0, 6), column, cells), min_size=1, max_size=5)


lookups = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 2), cells), max_size=1)


@given(
    changes(2, 4), lookups, st.sampled_from(["rawpic", "selectedpic", "rawvideo"]), st.sampled_from(["micro", "all"])
)
@examples(15)
def test_every_row_of_casme2_is_a_clip_or_a_rejection(casme2, changes, lookups, layout, expression):
    rows = replaced(trees.CASME2_ROWS, changes)
    subjects = replaced([(folder, f"s{folder}", subject) for subject, folder in trees.CASME2_SUBJECTS], lookups)
    trees.write_spreadsheet(casme2 / "CAS(ME)^2code_final.xlsx", rows, subjects, trees.CASME2_FILMS)
    dataset = loaded("casme2_sq", casme2, layout=layout, expression=expression)
    if dataset is None:
        return
    headers = sum(trap.kind == "header_row" for trap in dataset.traps)
    of_rows = [one for one in dataset.rejected if one.reason != "present_but_unlisted"]
    assert len(dataset.clips) + len(of_rows) + headers == sum(any(_filled(cell) for cell in row) for row in rows)
    for clip in dataset.clips:
        candidates = [row for row in rows if _says(row, clip, layout)]
        assert candidates, (clip, rows)


def _filled(cell: object) -> bool:
    return cell is not None and bool(str(cell).strip(" \u200b\u3000\xa0\u2003"))


def _says(row, clip, layout: str) -> bool:
    """Whether a row says where a clip is, in its own frame numbers."""
    onset, offset = frame_of(row[2]), frame_of(row[4])
    if layout == "rawvideo":
        return (clip.first_frame, clip.n_frames) == ((onset or 0) - 1, (offset or 0) - (onset or 0) + 1)
    numbers = sorted(int(path.stem.removeprefix("img")) for path in clip.source.iterdir())
    first, last = numbers[clip.first_frame], numbers[clip.first_frame + clip.n_frames - 1]
    if layout == "selectedpic":  # cut out: what is missing, or 0, is its first or last frame
        onset = onset or (numbers[0] if row[2] in (None, "") or onset == 0 or not _filled(row[2]) else None)
        offset = offset or (numbers[-1] if row[4] in (None, "") or offset == 0 or not _filled(row[4]) else None)
    if onset is None or offset is None:
        return False
    inside = [number for number in numbers if onset <= number <= offset]
    return bool(inside) and (first, last) == (inside[0], inside[-1])


@given(changes(1, 3, 5), st.lists(st.tuples(st.integers(0, 8), cells), max_size=1))
@examples(15)
def test_every_row_of_smic_e_is_a_clip_or_a_rejection(smic_e, changes, header_changes):
    rows = replaced(trees.smic_e_rows(), changes)
    header = list(trees.SMIC_E_HEADER)
    for column, value in header_changes:
        header[column % len(header)] = value
    path = smic_e / "SMIC-E_raw image" / "HS_long" / "SMIC-HS-E_annotation.xlsx"
    trees.write_spreadsheet(path, [header, *rows])
    dataset = loaded("smic", smic_e)
    if dataset is None or header_changes:
        return
    of_rows = [one for one in dataset.rejected if one.reason != "present_but_unlisted"]
    annotated = (1, 3, 4, 5, 7)
    assert len(dataset.clips) + len(of_rows) == sum(any(_filled(row[i]) for i in annotated) for row in rows)


@given(st.integers(0, 10**6), st.binary(min_size=1, max_size=20))
@examples(15)
def test_a_spreadsheet_with_bytes_of_another_is_read_or_refused(position, content):
    with folder() as root:
        path = trees.write_coding(root)
        good = path.read_bytes()
        position %= len(good)
        path.write_bytes(good[:position] + content + good[position + len(content) :])
        try:
            for row in itertools.chain.from_iterable(read_sheets(path).values()):
                assert all(isinstance(cell, str) for cell in row)
        except DatasetError as error:
            assert path.name in str(error)
