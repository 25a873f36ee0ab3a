"""Tiny copies of each dataset's layout, written into a temporary folder by the tests."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import cv2
import numpy as np
import openpyxl

# Subject number in the spreadsheet, its folder number; film code, film.
CASME2_SUBJECTS = ((1, 15), (2, 16), (3, 19), (4, 20), (7, 23))
CASME2_FILMS = (("0101", "disgust1"), ("0102", "disgust2"), ("0401", "anger1"), ("0402", "anger2"), ("0502", "happy1"))
FILM_TITLES = {"0101": "disgustingteeth", "0102": "eatingworms", "0401": "girlcrashing", "0402": "beating"}


def image(value: int = 0, height: int = 8, width: int = 10) -> np.ndarray:
    """A BGR picture that differs with `value` in every pixel."""
    ramp = np.arange(height * width * 3).reshape(height, width, 3)
    return ((ramp + 7 * value) % 256).astype(np.uint8)


def write_image(path: Path, picture: np.ndarray) -> Path:
    """Write a picture in the format of its extension."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(cv2.imencode(path.suffix, picture)[1].tobytes())
    return path


def write_frames(folder: Path, numbers: Iterable[int], pattern: str = "img{:03d}.jpg") -> Path:
    """Write one small picture for each number, in the order given."""
    folder.mkdir(parents=True, exist_ok=True)
    encoded = {}
    for number in numbers:
        name = pattern.format(number)
        extension = Path(name).suffix
        value = number % 8
        if (extension, value) not in encoded:
            encoded[extension, value] = cv2.imencode(extension, image(value))[1].tobytes()
        (folder / name).write_bytes(encoded[extension, value])
    return folder


def write_video(path: Path, n_frames: int, codec: str = "MJPG", fps: float = 30.0, size: int = 32) -> Path:
    """Write an AVI of `n_frames` noisy frames (noise, so that half a file holds about half the frames)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(n_frames)
    writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, cv2.VideoWriter_fourcc(*codec), fps, (size, size))
    for _ in range(n_frames):
        writer.write(rng.integers(0, 256, (size, size, 3), dtype=np.uint8))
    writer.release()
    return path


def cut(path: Path, share: float = 0.5) -> Path:
    """Cut a file off after a share of its bytes, in place."""
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    return path


def write_spreadsheet(path: Path, *sheets: Sequence[Sequence[object]]) -> Path:
    """Write the rows of each sheet as they are."""
    book = openpyxl.Workbook()
    book.remove(book.active)
    for i, rows in enumerate(sheets):
        sheet = book.create_sheet(f"sheet {i}")
        for row in rows:
            sheet.append(list(row))
    path.parent.mkdir(parents=True, exist_ok=True)
    book.save(path)
    return path


def coding_row(
    subject: object,
    name: str,
    onset: object,
    apex: object,
    offset: object,
    polarity: str = "negative",
    kind: str = "micro-expression",
    emotion: str = "anger",
) -> tuple:
    """A row of CAS(ME)^2's first sheet."""
    return (subject, name, onset, apex, offset, "AU4", polarity, kind, emotion)


# Two micro-expressions of each film's class, one macro-expression.
CASME2_ROWS = (
    coding_row(1, "anger1_1", 5, 8, 12),
    coding_row(2, "anger1_1", 3, 4, 11),
    coding_row(1, "disgust1_1", 20, 25, 30, emotion="disgust"),
    coding_row(2, "disgust1_2", 2, 6, 10, emotion="disgust"),
    coding_row(1, "happy1_1", 1, 4, 9, "positive", emotion="happiness"),
    coding_row(3, "happy1_3", 6, 8, 15, "positive", emotion="happiness"),
    coding_row(1, "happy1_2", 10, 20, 30, "positive", "macro-expression", "happiness"),
)


def write_coding(root: Path, rows: Sequence[Sequence[object]] = CASME2_ROWS, name: str = "CAS(ME)^2code_final.xlsx"):
    """Write CAS(ME)^2's spreadsheet: codes, folder to subject, film code to film."""
    subjects = [(folder, f"s{folder}", subject) for subject, folder in CASME2_SUBJECTS]
    return write_spreadsheet(root / name, rows, subjects, CASME2_FILMS)


def recording_name(row: Sequence[object]) -> tuple[str, str]:
    """(subject folder, recording) of a row: ``("s15", "15_0101disgustingteeth")``."""
    folder = dict(CASME2_SUBJECTS)[row[0]]
    code = {film: code for code, film in CASME2_FILMS}[row[1].split("_")[0]]
    return f"s{folder}", f"{folder}_{code}{FILM_TITLES.get(code, 'film')}"


def write_rawpic(root: Path, rows: Sequence[Sequence[object]] = CASME2_ROWS, n_frames: int = 40) -> Path:
    """CAS(ME)^2 with its recordings as folders of frames, beside the spreadsheet."""
    write_coding(root, rows)
    for row in rows:
        write_frames(root.joinpath("rawpic", *recording_name(row)), range(1, n_frames + 1))
    return root


def write_rawvideo(root: Path, rows: Sequence[Sequence[object]] = CASME2_ROWS, n_frames: int = 40) -> Path:
    """CAS(ME)^2 with its recordings as videos."""
    write_coding(root, rows)
    for row in rows:
        subject, name = recording_name(row)
        write_video(root / "rawvideo" / subject / f"{name}.avi", n_frames)
    return root


def write_selectedpic(root: Path, rows: Sequence[Sequence[object]] = CASME2_ROWS, layout: str = "selectedpic") -> Path:
    """CAS(ME)^2 cut to its expressions; an expression without an offset is cut out 9 frames long."""
    write_coding(root, rows)
    for row in rows:
        subject = recording_name(row)[0]
        owner = subject if layout == "selectedpic" else subject.removeprefix("s")
        last = row[4] if row[4] else row[2] + 8
        write_frames(root / layout / owner / row[1], range(row[2], last + 1), "img{}.jpg")
    return root


# Subject, emotion folder, clip.
SMIC_CLIPS = (
    (1, "negative", "s1_ne_01"),
    (1, "negative", "s1_ne_02"),
    (2, "positive", "s2_po_01"),
    (3, "positive", "s3_po_01"),
    (3, "surprise", "s3_sur_01"),
    (18, "surprise", "s18_sur_02"),
)


def write_smic(root: Path, layout: str = "raw", clips: Sequence[tuple[int, str, str]] = SMIC_CLIPS) -> Path:
    """SMIC-HS with four frames a clip, beside ``non_micro``."""
    prefix = "reg_" if layout == "cropped" else ""
    for subject, emotion, clip in clips:
        owner = root / f"SMIC_all_{layout}" / "HS" / f"s{subject}"
        write_frames(owner / "micro" / emotion / clip, range(36237, 36241), prefix + "image{:06d}.bmp")
        write_frames(owner / "non_micro" / f"s{subject}_non_01", range(3), prefix + "image{:06d}.bmp")
    return root


SMIC_E_HEADER = ("Subject", "Filename", "FirstF", "OnsetF", "ApexF", "OffsetF", "LastF", "Emotion")


def smic_e_rows(clips: Sequence[tuple[int, str, str]] = SMIC_CLIPS) -> list[tuple]:
    """The spreadsheet's rows; FirstF holds text, as in some copies."""
    return [(subject, clip, "n/a", 308870, None, 308877, 308890, emotion) for subject, emotion, clip in clips]


def write_smic_e(root: Path, rows: Sequence[Sequence[object]] | None = None) -> Path:
    """SMIC-E's long clips (30 frames) and its spreadsheet."""
    base = root / "SMIC-E_raw image" / "HS_long"
    for subject, _, clip in SMIC_CLIPS:
        folder = base / "SMIC-HS-E" / f"s{subject:02d}" / clip
        write_frames(folder, range(308861, 308891), "image{:06d}.jpg")
    rows = smic_e_rows() if rows is None else rows
    write_spreadsheet(base / "SMIC-HS-E_annotation.xlsx", [SMIC_E_HEADER, *rows])
    return root


def write_class_folders(root: Path, classes: Sequence[str] = ("angry", "happy", "disgust"), n_clips: int = 2) -> Path:
    """One folder per class with folders of five frames, named by subject."""
    for i, name in enumerate(classes):
        for n in range(n_clips):
            write_frames(root / name / f"s{15 + n}_{i:02d}01_{n + 1:02d}", range(1, 6))
    return root
