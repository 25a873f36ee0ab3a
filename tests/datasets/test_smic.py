"""SMIC-HS in its layouts on disk, with what is odd about real copies."""

from pathlib import Path

import pytest
import trees

from lib.core.errors import ConfigError, DatasetError
from lib.datasets.smic import load_smic

IDS = ["s1_ne_01", "s1_ne_02", "s2_po_01", "s3_po_01", "s3_sur_01", "s18_sur_02"]


def ids(dataset) -> list[str]:
    return [clip.clip_id for clip in dataset.clips]


def kinds(dataset) -> list[str]:
    return [trap.kind for trap in dataset.traps]


def reasons(dataset) -> dict[str, str]:
    return {one.clip_id: one.reason for one in dataset.rejected}


def smic_e_base(root: Path) -> Path:
    return root / "SMIC-E_raw image" / "HS_long"


# --- raw and cropped ---


@pytest.mark.parametrize("level", ["", "SMIC_all_raw", "SMIC_all_raw/HS"])
def test_raw_clips_are_read_from_any_level(tmp_path, level):
    dataset = load_smic(trees.write_smic(tmp_path) / level)
    assert (dataset.layout, dataset.classes, ids(dataset)) == ("raw", ("negative", "positive", "surprise"), IDS)
    assert not dataset.rejected
    assert not dataset.traps
    first = dataset.clips[0]
    assert (first.subject, first.label, first.first_frame, first.n_frames, first.fps) == ("s1", "negative", 0, 4, 100.0)


def test_cropped_clips_are_known_by_their_frames_and_their_archive(tmp_path):
    trees.write_smic(tmp_path, "cropped")
    assert load_smic(tmp_path).layout == "cropped"
    (tmp_path / "SMIC_all_cropped" / "HS").rename(tmp_path / "HS")
    assert load_smic(tmp_path / "HS").layout == "cropped"


def test_raw_goes_before_cropped_unless_the_layout_is_forced(tmp_path):
    trees.write_smic(trees.write_smic(tmp_path), "cropped")
    assert load_smic(tmp_path).layout == "raw"
    cropped = load_smic(tmp_path, layout="cropped")
    assert cropped.layout == "cropped"
    assert all("SMIC_all_cropped" in clip.source.parts for clip in cropped.clips)


def test_non_micro_clips_and_other_cameras_are_no_clips(tmp_path):
    trees.write_smic(tmp_path)
    trees.write_frames(tmp_path / "SMIC_all_raw" / "VIS" / "s9" / "micro" / "negative" / "s9_ne_01", range(4))
    assert ids(load_smic(tmp_path)) == IDS


def test_names_are_read_in_upper_and_lower_case(tmp_path):
    clips = [(s, emotion.capitalize(), clip.upper()) for s, emotion, clip in trees.SMIC_CLIPS]
    trees.write_smic(tmp_path, clips=clips)
    (tmp_path / "SMIC_all_raw").rename(tmp_path / "smic_ALL_raw")
    dataset = load_smic(tmp_path)
    assert dataset.counts().tolist() == [2, 2, 2]
    assert {clip.subject for clip in dataset.clips} == {"s1", "s2", "s3", "s18"}


def test_nothing_depends_on_the_order_of_the_file_system(tmp_path, monkeypatch):
    trees.write_smic(tmp_path)
    trees.write_smic_e(tmp_path)
    expected = {layout: load_smic(tmp_path, layout) for layout in ("raw", "smic_e")}
    listed = Path.iterdir
    for reverse in (False, True):
        monkeypatch.setattr(Path, "iterdir", lambda self, reverse=reverse: iter(sorted(listed(self), reverse=reverse)))
        for layout, dataset in expected.items():
            assert load_smic(tmp_path, layout) == dataset


def test_the_annotated_label_stands_and_a_disagreeing_name_is_a_trap(tmp_path):
    trees.write_smic(tmp_path, clips=(*trees.SMIC_CLIPS, (18, "negative", "s18_sur_03")))
    dataset = load_smic(tmp_path)
    assert next(clip for clip in dataset.clips if clip.clip_id == "s18_sur_03").label == "negative"
    assert [(trap.kind, trap.path.name) for trap in dataset.traps] == [("label_disagrees", "s18_sur_03")]


def test_a_misfiled_clip_keeps_the_subject_of_its_name(tmp_path):
    trees.write_smic(tmp_path, clips=(*trees.SMIC_CLIPS, (2, "negative", "s5_ne_01")))
    dataset = load_smic(tmp_path)
    assert next(clip for clip in dataset.clips if clip.clip_id == "s5_ne_01").subject == "s5"
    assert kinds(dataset) == ["misfiled"]


def test_a_clip_named_otherwise_gets_the_subject_of_its_folder(tmp_path):
    trees.write_smic(tmp_path, clips=(*trees.SMIC_CLIPS, (2, "negative", "extra")))
    dataset = load_smic(tmp_path)
    assert next(clip for clip in dataset.clips if clip.clip_id == "extra").subject == "s2"
    assert kinds(dataset) == ["odd_name"]


def test_a_clip_that_lies_there_twice_is_read_once(tmp_path):
    trees.write_smic(tmp_path, clips=(*trees.SMIC_CLIPS, (1, "positive", "s1_ne_01")))
    dataset = load_smic(tmp_path)
    assert ids(dataset) == IDS
    assert reasons(dataset) == {"s1_ne_01": "duplicate_clip"}


def test_clips_without_frames_or_with_an_unknown_label_are_rejected(tmp_path):
    trees.write_smic(tmp_path, clips=(*trees.SMIC_CLIPS, (1, "neutral", "s1_nn_01")))
    (tmp_path / "SMIC_all_raw" / "HS" / "s1" / "micro" / "negative" / "s1_ne_03").mkdir()
    dataset = load_smic(tmp_path)
    assert reasons(dataset) == {"s1_ne_03": "no_frames", "s1_nn_01": "unknown_label"}
    assert kinds(dataset) == ["unknown_folder"]


def test_a_subject_without_micro_expressions_is_a_trap(tmp_path):
    trees.write_smic(tmp_path)
    trees.write_frames(tmp_path / "SMIC_all_raw" / "HS" / "s4" / "non_micro" / "s4_non_01", range(3))
    assert kinds(load_smic(tmp_path)) == ["no_micro_folder"]


def test_doubled_archives_are_entered_and_reported(tmp_path):
    trees.write_smic(tmp_path / "SMIC_all_raw")
    dataset = load_smic(tmp_path)
    assert ids(dataset) == IDS
    assert kinds(dataset) == ["doubled_folder"]


def test_a_link_back_to_a_folder_above_is_not_followed(tmp_path):
    trees.write_smic(tmp_path)
    (tmp_path / "SMIC_all_raw" / "smic_again").symlink_to(tmp_path)
    dataset = load_smic(tmp_path)
    assert ids(dataset) == IDS
    assert not dataset.traps


def test_junk_in_a_clip_is_named(tmp_path):
    trees.write_smic(tmp_path)
    folder = tmp_path / "SMIC_all_raw" / "HS" / "s1" / "micro" / "negative" / "s1_ne_01"
    for name in ("Thumbs.db", "._image036237.bmp"):
        (folder / name).touch()
    dataset = load_smic(tmp_path)
    assert dataset.clips[0].n_frames == 4
    assert [trap.path for trap in dataset.traps] == [folder]
    assert "Thumbs.db" in dataset.traps[0].detail


def test_half_of_the_subjects_unpacked_leaves_empty_classes_as_traps(tmp_path):
    trees.write_smic(tmp_path, clips=trees.SMIC_CLIPS[:2])
    assert kinds(load_smic(tmp_path)) == ["empty_class", "empty_class"]


def test_only_the_archives_shell_is_an_error_that_says_what_was_found(tmp_path):
    (tmp_path / "SMIC_all_raw" / "HS").mkdir(parents=True)
    with pytest.raises(DatasetError, match=r"No SMIC-HS in .*SMIC_all_raw/HS/s1/micro.*found SMIC_all_raw/"):
        load_smic(tmp_path)


def test_a_forced_layout_that_is_not_there_is_an_error(tmp_path):
    with pytest.raises(DatasetError, match="in the layout smic_e"):
        load_smic(trees.write_smic(tmp_path), layout="smic_e")
    with pytest.raises(ConfigError, match="expected one of raw, cropped, smic_e, class_folders"):
        load_smic(tmp_path, layout="nir")


def test_class_folders_are_read_as_smic(tmp_path):
    trees.write_class_folders(tmp_path, ("Negative", "Positive", "Surprise"))
    dataset = load_smic(tmp_path)
    assert (dataset.name, dataset.layout, dataset.counts().tolist()) == ("smic", "class_folders", [2, 2, 2])
    assert {clip.fps for clip in dataset.clips} == {100.0}


def test_class_folders_report_names_that_disagree_with_the_class(tmp_path):
    trees.write_class_folders(tmp_path, ("negative", "positive", "surprise"))
    trees.write_frames(tmp_path / "negative" / "s18_sur_03", range(3))
    assert kinds(load_smic(tmp_path)) == ["label_disagrees"]


def test_some_classes_can_be_asked_for(tmp_path):
    dataset = load_smic(trees.write_smic(tmp_path), classes=("negative", "surprise"))
    assert dataset.classes == ("negative", "surprise")
    assert set(reasons(dataset).values()) == {"class_not_asked"}


# --- SMIC-E ---


@pytest.mark.parametrize(
    "level", ["", "SMIC-E_raw image", "SMIC-E_raw image/HS_long", "SMIC-E_raw image/HS_long/SMIC-HS-E"]
)
def test_smic_e_clips_are_the_annotated_part_of_longer_folders(tmp_path, level):
    dataset = load_smic(trees.write_smic_e(tmp_path) / level)
    assert (dataset.layout, ids(dataset)) == ("smic_e", IDS)
    clip = dataset.clips[0]
    assert (clip.subject, clip.first_frame, clip.n_frames, clip.onset, clip.apex, clip.offset) == (
        "s1",
        9,
        8,
        9,
        None,
        16,
    )
    assert not dataset.traps


def test_smic_e_positions_follow_frame_numbers_where_frames_are_missing(tmp_path):
    trees.write_smic_e(tmp_path)
    folder = smic_e_base(tmp_path) / "SMIC-HS-E" / "s01" / "s1_ne_01"
    for number in (308862, 308863, 308870):
        (folder / f"image{number}.jpg").unlink()
    dataset = load_smic(tmp_path)
    clip = dataset.clips[0]
    assert (clip.first_frame, clip.n_frames, clip.offset) == (7, 7, 13)
    assert sorted(kinds(dataset)) == ["annotated_frame_missing", "missing_frames"]


def test_smic_e_columns_are_found_by_name_in_any_order_and_below_a_title(tmp_path):
    trees.write_smic_e(tmp_path)
    rows = [(emotion.title(), 308877, 308870, clip.upper()) for _, emotion, clip in trees.SMIC_CLIPS]
    header = ("Emotion label", "Offset Frame", "onset_frame", "File name")
    path = smic_e_base(tmp_path) / "SMIC-HS-E_annotation.xlsx"
    trees.write_spreadsheet(path, [("SMIC-HS-E",), header, *rows])
    dataset = load_smic(tmp_path)
    assert ids(dataset) == IDS
    assert not dataset.traps


@pytest.mark.parametrize(
    ("column", "value", "reason"),
    [
        (1, '="s1_ne_"&"01"', "listed_but_absent"),
        (1, "#N/A", "listed_but_absent"),
        (1, None, "no_clip_name"),
        (3, "308870?", "no_onset"),
        (3, "#REF!", "no_onset"),
        (5, "=D2+7", "no_offset"),
        (5, 308877.5, "no_offset"),
        (7, "#N/A", "unknown_label"),
        (7, "negative?", "unknown_label"),
    ],
)
def test_a_cell_of_smic_e_that_cannot_be_read_rejects_its_row_and_is_quoted(tmp_path, column, value, reason):
    rows = [list(row) for row in trees.smic_e_rows()]
    rows[0][column] = value
    dataset = load_smic(trees.write_smic_e(tmp_path, rows))
    assert ids(dataset) == IDS[1:]
    rejected = next(one for one in dataset.rejected if one.reason != "present_but_unlisted")
    assert rejected.reason == reason
    assert f"{value or ''}' ({'ABCDEFGH'[column]}2 of sheet 'sheet 0'" in rejected.detail


def test_an_apex_of_smic_e_that_cannot_be_read_is_left_out_and_quoted(tmp_path):
    rows = [list(row) for row in trees.smic_e_rows()]
    rows[0][4] = "308873?"
    dataset = load_smic(trees.write_smic_e(tmp_path, rows))
    assert (dataset.clips[0].n_frames, dataset.clips[0].apex) == (8, None)
    assert [trap.kind for trap in dataset.traps] == ["apex_unreadable"]
    assert "'308873?' (E2 of sheet" in dataset.traps[0].detail


@pytest.mark.parametrize(
    ("header", "value"),
    [("Onset (s)", 3), ("Offset_ms", 3), ("Emotion intensity", "high"), ("Filename length", 8), ("Subject age", 30)],
)
def test_a_column_whose_header_only_begins_like_another_is_not_taken_for_it(tmp_path, header, value):
    trees.write_smic_e(tmp_path)
    rows = [(value, *row) for row in trees.smic_e_rows()]
    path = smic_e_base(tmp_path) / "SMIC-HS-E_annotation.xlsx"
    trees.write_spreadsheet(path, [(header, *trees.SMIC_E_HEADER), *rows])
    dataset = load_smic(tmp_path)
    assert ids(dataset) == IDS
    assert {clip.n_frames for clip in dataset.clips} == {8}
    assert not dataset.traps


def test_two_columns_of_one_name_are_an_error_that_says_where_they_are(tmp_path):
    trees.write_smic_e(tmp_path)
    path = smic_e_base(tmp_path) / "SMIC-HS-E_annotation.xlsx"
    rows = [(*row, 1) for row in trees.smic_e_rows()]
    trees.write_spreadsheet(path, [(*trees.SMIC_E_HEADER, "Onset F"), *rows])
    with pytest.raises(DatasetError, match="D1 of sheet .*I1 of sheet"):
        load_smic(tmp_path)


def test_a_copy_of_the_spreadsheet_is_not_read_in_place_of_it(tmp_path):
    base = smic_e_base(trees.write_smic_e(tmp_path))
    for name in ("SMIC-HS-E_annotation (1)", "SMIC-HS-E_annotation - Copy", "SMIC-HS-E_annotation_old", "annotation z"):
        trees.write_spreadsheet(base / f"{name}.xlsx", [trees.SMIC_E_HEADER, *trees.smic_e_rows()[:2]])
    dataset = load_smic(tmp_path)
    assert ids(dataset) == IDS
    assert [trap.path.name for trap in dataset.traps] == ["SMIC-HS-E_annotation.xlsx"]


def test_text_of_smic_e_is_read_without_what_cannot_be_seen(tmp_path):
    rows = [
        (
            f"ｓ{subject}",
            f"\u200b{clip.replace('_', '＿')}",
            "",
            "３０８８７０",
            None,
            "308877\xa0",
            "",
            f"{emotion}\u3000",
        )
        for subject, emotion, clip in trees.SMIC_CLIPS
    ]
    dataset = load_smic(trees.write_smic_e(tmp_path, rows))
    assert ids(dataset) == IDS
    assert {clip.n_frames for clip in dataset.clips} == {8}
    assert not dataset.traps


def test_folders_that_are_no_subject_or_clip_are_reported(tmp_path):
    trees.write_smic(tmp_path)
    base = tmp_path / "SMIC_all_raw" / "HS"
    for place in ("subject4/micro/negative/s4_ne_01", "s1/micro/negative/_x", "s1/other/s1_ne_09"):
        trees.write_frames(base / place, range(4), "image{:06d}.bmp")
    trees.write_frames(base / "s1" / "micro" / "negative", range(1), "image{:06d}.bmp")
    dataset = load_smic(tmp_path)
    assert ids(dataset) == IDS
    assert [(trap.kind, trap.path.relative_to(base).as_posix()) for trap in dataset.traps] == [
        ("unknown_folder", "subject4"),
        ("unknown_folder", "s1/other"),
        ("underscored", "s1/micro/negative"),
        ("stray_file", "s1/micro/negative/image000000.bmp"),
    ]


def test_smic_e_numbers_may_be_text_and_subjects_may_be_named(tmp_path):
    rows = [("s03", "s03_sur_1", "x", "308870", "", "308877", "", "surprise"), *trees.smic_e_rows()[:4]]
    trees.write_smic_e(tmp_path, rows)
    dataset = load_smic(tmp_path)
    clip = next(clip for clip in dataset.clips if clip.label == "surprise")
    assert (clip.clip_id, clip.first_frame, clip.n_frames) == ("s3_sur_01", 9, 8)
    assert reasons(dataset) == {"s18_sur_02": "present_but_unlisted"}


def test_smic_e_rows_and_folders_without_a_counterpart_are_rejected(tmp_path):
    rows = [*trees.smic_e_rows()[1:], (9, "s9_ne_01", 1, 2, 3, 4, 5, "negative")]
    dataset = load_smic(trees.write_smic_e(tmp_path, rows))
    assert reasons(dataset) == {"s9_ne_01": "listed_but_absent", "s1_ne_01": "present_but_unlisted"}


def test_smic_e_rows_that_bound_no_clip_are_rejected(tmp_path):
    rows = [list(row) for row in trees.smic_e_rows()]
    rows[0][3] = None
    rows[1][5] = 0
    rows[2][5] = 308860
    rows[3][3], rows[3][5] = 1, 20
    rows[4][7] = "fear"
    dataset = load_smic(trees.write_smic_e(tmp_path, [*rows, rows[5]]))
    assert reasons(dataset) == {
        "s1_ne_01": "no_onset",
        "s1_ne_02": "no_offset",
        "s2_po_01": "offset_before_onset",
        "s3_po_01": "annotated_frames_absent",
        "s3_sur_01": "unknown_label",
        "s18_sur_02": "duplicate_row",
    }
    assert ids(dataset) == ["s18_sur_02"]


def test_smic_e_label_of_the_sheet_stands_and_disagreements_are_traps(tmp_path):
    rows = [list(row) for row in trees.smic_e_rows()]
    rows[5][7] = "negative"
    rows[0][0] = 7
    dataset = load_smic(trees.write_smic_e(tmp_path, rows))
    assert next(clip for clip in dataset.clips if clip.clip_id == "s18_sur_02").label == "negative"
    assert dataset.clips[0].subject == "s1"
    assert {"label_disagrees", "subject_disagrees"} <= set(kinds(dataset))


def test_smic_e_without_its_spreadsheet_is_an_error(tmp_path):
    (smic_e_base(trees.write_smic_e(tmp_path)) / "SMIC-HS-E_annotation.xlsx").unlink()
    with pytest.raises(DatasetError, match="lacks its annotation"):
        load_smic(tmp_path)


def test_smic_e_reads_the_latest_of_several_spreadsheets(tmp_path):
    base = smic_e_base(trees.write_smic_e(tmp_path))
    for name in ("SMIC-HS-E_annotation_orig.xlsx", "SMIC-NIR-E_annotation.xlsx", "~$SMIC-HS-E_annotation.xlsx"):
        (base / name).write_bytes(b"not read")
    trees.write_spreadsheet(base / "SMIC-HS-E_annotation_2019.xlsx", [trees.SMIC_E_HEADER, *trees.smic_e_rows()[:4]])
    dataset = load_smic(tmp_path)
    assert len(dataset.clips) == 4
    trap = next(trap for trap in dataset.traps if trap.kind == "several_spreadsheets")
    assert trap.path.name == "SMIC-HS-E_annotation_2019.xlsx"


def test_a_damaged_or_foreign_spreadsheet_is_an_error(tmp_path):
    path = smic_e_base(trees.write_smic_e(tmp_path)) / "SMIC-HS-E_annotation.xlsx"
    trees.write_spreadsheet(path, [("a", "b"), (1, 2)])
    with pytest.raises(DatasetError, match="no row with the headers Filename, OnsetF"):
        load_smic(tmp_path)
    trees.cut(path)
    with pytest.raises(DatasetError, match="Cannot read the spreadsheet"):
        load_smic(tmp_path)
