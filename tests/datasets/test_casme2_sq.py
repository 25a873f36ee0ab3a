"""CAS(ME)^2 in its official layouts and as class folders, with what is odd about real copies."""

from pathlib import Path

import pytest
import trees

from lib.core.errors import ConfigError, DatasetError, FrameError
from lib.datasets import load_dataset
from lib.datasets.casme2_sq import load_casme2_sq
from lib.datasets.frames import iter_frames

IDS = ["s15_anger1_1", "s16_anger1_1", "s15_happy1_1", "s19_happy1_3", "s15_disgust1_1", "s16_disgust1_2"]
MACRO = {"s15_happy1_2": "expression_not_asked"}
WRITERS = {
    "rawpic": trees.write_rawpic,
    "selectedpic": trees.write_selectedpic,
    "rawvideo": trees.write_rawvideo,
    "cropped": lambda root: trees.write_selectedpic(root, layout="cropped"),
}


def ids(dataset) -> list[str]:
    return [clip.clip_id for clip in dataset.clips]


def kinds(dataset) -> list[str]:
    return [trap.kind for trap in dataset.traps]


def reasons(dataset) -> dict[str, str]:
    return {one.clip_id: one.reason for one in dataset.rejected}


def clip_of(dataset, clip_id: str):
    return next(clip for clip in dataset.clips if clip.clip_id == clip_id)


def with_row(*row, **words) -> tuple:
    """The usual rows and one more."""
    return (*trees.CASME2_ROWS, trees.coding_row(*row, **words))


@pytest.fixture(scope="module")
def casme2_sheets(tmp_path_factory):
    """`load(rows, layout, **options)` reads one copy with other rows in its spreadsheet.

    Folders of selectedpic hold ten frames more than their expressions last.
    """
    root = trees.write_selectedpic(trees.write_rawpic(tmp_path_factory.mktemp("casme2")))
    for row in trees.CASME2_ROWS:
        folder = root / "selectedpic" / trees.recording_name(row)[0] / row[1]
        trees.write_frames(folder, range(row[4] + 1, row[4] + 11), "img{}.jpg")

    def load(rows, layout, subjects=None, **options):
        subjects = subjects or [(folder, f"s{folder}", subject) for subject, folder in trees.CASME2_SUBJECTS]
        trees.write_spreadsheet(root / "CAS(ME)^2code_final.xlsx", rows, subjects, trees.CASME2_FILMS)
        return load_casme2_sq(root, layout=layout, **options)

    return load


# --- layouts ---


@pytest.mark.parametrize("layout", list(WRITERS))
def test_every_official_layout_gives_the_same_clips(tmp_path, layout):
    dataset = load_casme2_sq(WRITERS[layout](tmp_path))
    assert (dataset.name, dataset.layout, dataset.classes) == ("casme2_sq", layout, ("angry", "happy", "disgust"))
    assert ids(dataset) == IDS
    assert [clip.subject for clip in dataset.clips] == ["s15", "s16", "s15", "s19", "s15", "s16"]
    assert [clip.n_frames for clip in dataset.clips] == [8, 9, 9, 10, 11, 9]
    assert {clip.fps for clip in dataset.clips} == {30.0}
    assert reasons(dataset) == MACRO
    assert not dataset.traps


@pytest.mark.parametrize("level", ["", "CASME_sq", "CASME_sq/rawpic"])
def test_a_copy_is_found_from_any_level(tmp_path, level):
    trees.write_rawpic(tmp_path / "CASME_sq")
    assert ids(load_casme2_sq(tmp_path / level)) == IDS


def test_doubled_folders_are_entered_and_reported(tmp_path):
    trees.write_rawpic(tmp_path / "new" / "old")
    trees.write_coding(tmp_path)
    (tmp_path / "rawpic").mkdir()
    (tmp_path / "new" / "old" / "rawpic").rename(tmp_path / "rawpic" / "rawpic")
    for level in ("", "rawpic", "rawpic/rawpic"):
        dataset = load_casme2_sq(tmp_path / level)
        assert ids(dataset) == IDS
        assert kinds(dataset) == ["doubled_folder"]


def test_whole_recordings_go_first_and_a_layout_can_be_forced(tmp_path):
    trees.write_selectedpic(trees.write_rawpic(tmp_path))
    assert load_casme2_sq(tmp_path).layout == "rawpic"
    assert load_casme2_sq(tmp_path, layout="selectedpic").layout == "selectedpic"
    assert load_casme2_sq(tmp_path / "selectedpic").layout == "selectedpic"


def test_class_folders_are_read_under_their_several_names(tmp_path):
    trees.write_class_folders(tmp_path, ("Anger", "happiness", "DISGUST"))
    dataset = load_dataset("casme2_sq", tmp_path)
    assert (dataset.name, dataset.layout, dataset.classes) == (
        "casme2_sq",
        "class_folders",
        ("angry", "happy", "disgust"),
    )
    assert dataset.counts().tolist() == [2, 2, 2]
    assert {clip.fps for clip in dataset.clips} == {30.0}


def test_class_folders_of_videos_are_read(tmp_path):
    for name in ("angry", "happy", "disgust"):
        trees.write_video(tmp_path / name / f"15_0101{name}_01.avi", 3)
    dataset = load_casme2_sq(tmp_path)
    assert [(clip.subject, clip.n_frames) for clip in dataset.clips] == [("s15", None)] * 3


def test_a_folder_that_is_no_class_is_a_trap(tmp_path):
    trees.write_class_folders(tmp_path, ("angry", "happy", "disgust", "fear"))
    dataset = load_casme2_sq(tmp_path)
    assert len(dataset.clips) == 6
    assert kinds(dataset) == ["unknown_folder"]


def test_two_folders_of_one_class_are_read_together(tmp_path):
    trees.write_class_folders(tmp_path, ("angry", "happy", "disgust", "anger"))
    dataset = load_casme2_sq(tmp_path)
    assert dataset.counts()["angry"] == 4
    assert kinds(dataset) == ["several_folders_for_a_class"]


def test_class_folders_have_no_other_labels_or_extents(tmp_path):
    trees.write_class_folders(tmp_path)
    for option in ({"label_source": "polarity"}, {"expression": "all"}, {"extent": "window"}):
        with pytest.raises(ConfigError, match="carry their own labels and lengths"):
            load_casme2_sq(tmp_path, **option)


def test_nothing_depends_on_the_order_of_the_file_system(tmp_path, monkeypatch):
    trees.write_selectedpic(trees.write_rawpic(tmp_path))
    trees.write_frames(tmp_path / "rawpic" / "s19" / "23_0502funnyerrors", range(1, 41))
    trees.write_frames(tmp_path / "selectedpic" / "s16" / "anger9_1", range(3))
    (tmp_path / "rawpic" / "s15" / "Thumbs.db").touch()
    expected = {layout: load_casme2_sq(tmp_path, layout) for layout in ("rawpic", "selectedpic")}
    listed = Path.iterdir
    for reverse in (False, True):
        monkeypatch.setattr(Path, "iterdir", lambda self, reverse=reverse: iter(sorted(listed(self), reverse=reverse)))
        for layout, dataset in expected.items():
            assert load_casme2_sq(tmp_path, layout) == dataset


# --- positions ---


def test_positions_past_frame_999_follow_the_numbers_of_the_names(tmp_path):
    rows = with_row(4, "anger1_1", 998, 1000, 1003)
    dataset = load_casme2_sq(trees.write_rawpic(tmp_path, rows, n_frames=1010))
    clip = clip_of(dataset, "s20_anger1_1")
    assert (clip.first_frame, clip.n_frames, clip.onset, clip.apex, clip.offset) == (997, 6, 997, 999, 1002)
    expected = [trees.image(number % 8)[0, 0, ::-1].tolist() for number in range(998, 1004)]
    decoded = [frame[0, 0].tolist() for frame in iter_frames(clip)]
    assert all(
        abs(a - b) < 40 for one, two in zip(decoded, expected, strict=True) for a, b in zip(one, two, strict=True)
    )


def test_positions_follow_numbers_where_frames_are_missing(tmp_path):
    trees.write_rawpic(tmp_path)
    folder = tmp_path / "rawpic" / "s15" / "15_0401girlcrashing"  # onset 5, apex 8, offset 12
    for number in (2, 5, 9):
        (folder / f"img{number:03d}.jpg").unlink()
    dataset = load_casme2_sq(tmp_path)
    clip = clip_of(dataset, "s15_anger1_1")
    assert (clip.first_frame, clip.n_frames, clip.onset, clip.apex, clip.offset) == (3, 6, 3, 5, 8)
    assert kinds(dataset) == ["missing_frames", "annotated_frame_missing"]


def test_selected_frames_carry_the_numbers_of_the_recording(tmp_path):
    rows = with_row(4, "anger1_1", 557, 560, 566)
    clip = clip_of(load_casme2_sq(trees.write_selectedpic(tmp_path, rows)), "s20_anger1_1")
    assert (clip.first_frame, clip.n_frames, clip.onset, clip.apex, clip.offset) == (0, 10, 0, 3, 9)


def test_frames_around_the_annotation_are_no_part_of_a_selected_clip(tmp_path):
    trees.write_selectedpic(tmp_path)
    trees.write_frames(tmp_path / "selectedpic" / "s15" / "anger1_1", (3, 4, 13), "img{}.jpg")
    clip = clip_of(load_casme2_sq(tmp_path), "s15_anger1_1")
    assert (clip.first_frame, clip.n_frames) == (2, 8)


def test_doubled_extensions_among_selected_frames_are_frames(tmp_path):
    trees.write_selectedpic(tmp_path)
    folder = tmp_path / "selectedpic" / "s15" / "anger1_1"
    (folder / "img7.jpg").rename(folder / "img7.jpg.jpg")
    dataset = load_casme2_sq(tmp_path)
    assert clip_of(dataset, "s15_anger1_1").n_frames == 8
    assert kinds(dataset) == ["doubled_extension"]


def test_a_clip_from_a_video_is_its_annotated_part(tmp_path):
    clip = clip_of(load_casme2_sq(trees.write_rawvideo(tmp_path)), "s15_anger1_1")
    assert (clip.source.suffix, clip.first_frame, clip.apex) == (".avi", 4, 7)
    assert len(list(iter_frames(clip))) == 8


@pytest.mark.parametrize("layout", ["rawpic", "rawvideo"])
def test_a_missing_offset_rejects_an_expression_of_a_whole_recording(tmp_path, layout):
    rows = with_row(4, "anger1_1", 5, 8, 0)
    root = trees.write_rawpic(tmp_path, rows) if layout == "rawpic" else trees.write_rawvideo(tmp_path, rows)
    assert reasons(load_casme2_sq(root)) == MACRO | {"s20_anger1_1": "no_offset"}


def test_a_missing_offset_is_the_last_frame_of_a_selected_clip(tmp_path):
    dataset = load_casme2_sq(trees.write_selectedpic(tmp_path, with_row(4, "anger1_1", 5, 8, 0)))
    clip = clip_of(dataset, "s20_anger1_1")
    assert (clip.n_frames, clip.apex, clip.offset) == (9, 3, None)
    assert kinds(dataset) == ["offset_missing"]


@pytest.mark.parametrize(("apex", "kind"), [(0, "apex_zero"), (25, "apex_after_offset"), (2, "apex_before_onset")])
def test_an_apex_that_cannot_be_true_is_left_out_and_reported(tmp_path, apex, kind):
    dataset = load_casme2_sq(trees.write_rawpic(tmp_path, with_row(4, "anger1_1", 5, apex, 20)))
    clip = clip_of(dataset, "s20_anger1_1")
    assert (clip.apex, clip.n_frames) == (None, 16)
    assert kinds(dataset) == [kind]


def test_annotations_that_bound_no_clip_are_rejected(tmp_path):
    rows = (
        *with_row(4, "anger1_1", 0, 8, 12),
        trees.coding_row(4, "anger1_2", 12, 13, 8),
        trees.coding_row(4, "anger1_3", 400, 405, 410),
    )
    assert reasons(load_casme2_sq(trees.write_rawpic(tmp_path, rows))) == MACRO | {
        "s20_anger1_1": "no_onset",
        "s20_anger1_2": "offset_before_onset",
        "s20_anger1_3": "annotated_frames_absent",
    }


# --- windows ---


def test_a_window_lies_around_the_apex(tmp_path):
    dataset = load_casme2_sq(trees.write_rawpic(tmp_path), extent="window", window=10)
    clip = clip_of(dataset, "s15_disgust1_1")  # apex 25: position 24
    assert (clip.first_frame, clip.n_frames, clip.onset, clip.apex, clip.offset) == (19, 10, 19, 24, 29)


def test_a_window_is_shifted_not_cut_at_the_borders_of_the_recording(tmp_path):
    rows = (*with_row(4, "anger1_1", 1, 2, 6), trees.coding_row(4, "anger1_2", 34, 38, 40))
    dataset = load_casme2_sq(trees.write_rawpic(tmp_path, rows), extent="window", window=20)
    begin, end = clip_of(dataset, "s20_anger1_1"), clip_of(dataset, "s20_anger1_2")
    assert (begin.first_frame, begin.n_frames) == (0, 20)
    assert (end.first_frame, end.n_frames) == (20, 20)
    assert len(list(iter_frames(end))) == 20


def test_a_window_without_a_true_apex_lies_around_the_middle_or_the_onset(tmp_path):
    rows = (*with_row(4, "anger1_1", 10, 0, 21), trees.coding_row(4, "anger1_2", 20, None, 0))
    dataset = load_casme2_sq(trees.write_rawpic(tmp_path, rows), extent="window", window=10)
    assert clip_of(dataset, "s20_anger1_1").first_frame == 15 - 1 - 5
    assert clip_of(dataset, "s20_anger1_2").first_frame == 20 - 1 - 5


def test_a_recording_shorter_than_the_window_is_rejected(tmp_path):
    trees.write_rawpic(tmp_path)
    for path in (tmp_path / "rawpic" / "s15" / "15_0401girlcrashing").glob("img03*"):
        path.unlink()
    dataset = load_casme2_sq(tmp_path, extent="window", window=40)
    assert reasons(dataset)["s15_anger1_1"] == "too_short"
    assert len(dataset.clips) == 5


def test_a_window_past_the_end_of_a_video_is_found_when_it_is_decoded(tmp_path):
    rows = with_row(4, "anger1_1", 34, 38, 40)
    dataset = load_casme2_sq(trees.write_rawvideo(tmp_path, rows), extent="window", window=20)
    assert clip_of(dataset, "s15_anger1_1").first_frame == 0
    with pytest.raises(FrameError) as caught:
        list(iter_frames(clip_of(dataset, "s20_anger1_1")))
    assert caught.value.reason == "too_short"


def test_a_window_needs_whole_recordings(tmp_path):
    trees.write_selectedpic(tmp_path)
    with pytest.raises(ConfigError, match="layout rawpic or rawvideo, not selectedpic"):
        load_casme2_sq(tmp_path, layout="selectedpic", extent="window")
    with pytest.raises(DatasetError, match=r"its frames are not \(rawpic, rawvideo\)"):
        load_casme2_sq(tmp_path, extent="window")


def test_a_window_at_a_fixed_frame_is_one_clip_a_recording_wherever_its_expressions_lie(tmp_path):
    rows = (*with_row(4, "anger1_1", 0, 0, 0), trees.coding_row(4, "anger1_2", 30, 33, 36))
    options = {"expression": "all", "extent": "window", "window": 20, "start": 12}
    for write in (trees.write_rawpic, trees.write_rawvideo):
        dataset = load_casme2_sq(write(tmp_path / write.__name__, rows), **options)
        sources = [clip.source for clip in dataset.clips]
        assert len(set(sources)) == len(sources)
        assert {(clip.first_frame, clip.n_frames) for clip in dataset.clips} == {(12, 20)}
        assert clip_of(dataset, "s20_anger1_1").apex is None
        assert reasons(dataset)["s20_anger1_2"] == "duplicate_clip"


def test_a_recording_that_ends_within_a_window_at_a_fixed_frame_is_rejected(tmp_path):
    with pytest.raises(DatasetError, match="too_short"):
        load_casme2_sq(trees.write_rawpic(tmp_path), extent="window", window=20, start=21)


@pytest.mark.parametrize(
    "options",
    [{"start": 72}, {"extent": "window", "start": -1}, {"extent": "window", "label_source": "polarity", "start": 0}],
)
def test_a_window_at_a_fixed_frame_needs_a_window_and_the_film_s_label(tmp_path, options):
    with pytest.raises(ConfigError, match="start: "):
        load_casme2_sq(trees.write_rawpic(tmp_path), **options)


# --- labels ---


def test_self_reported_emotions_are_the_classes_and_the_typo_is_mended(tmp_path):
    rows = with_row(4, "happy1_1", 5, 8, 12, emotion="happyiness ")
    dataset = load_casme2_sq(trees.write_rawpic(tmp_path, rows), label_source="self_report")
    assert dataset.classes == ("anger", "disgust", "happiness")
    assert clip_of(dataset, "s20_happy1_1").label == "happiness"
    assert kinds(dataset) == ["misspelt_label"]


def test_polarity_can_be_the_label(tmp_path):
    dataset = load_casme2_sq(
        trees.write_rawpic(tmp_path, with_row(4, "anger1_1", 5, 8, 12, "mixed")), label_source="polarity"
    )
    assert dataset.classes == ("negative", "positive", "surprise", "others")
    assert dataset.counts().tolist() == [4, 2, 0, 0]
    assert reasons(dataset)["s20_anger1_1"] == "unknown_label"


@pytest.mark.parametrize(("expression", "count"), [("micro", 6), ("macro", 1), ("all", 7)])
def test_micro_or_macro_expressions_or_both_can_be_asked_for(tmp_path, expression, count):
    dataset = load_casme2_sq(trees.write_rawpic(tmp_path), expression=expression)
    assert len(dataset.clips) == count
    assert len(dataset.rejected) == 7 - count


def test_clips_of_classes_not_asked_for_are_rejected(tmp_path):
    dataset = load_casme2_sq(trees.write_rawpic(tmp_path), classes=("angry", "happy"))
    assert dataset.classes == ("angry", "happy")
    assert list(reasons(dataset).values()).count("class_not_asked") == 2


# --- the spreadsheet and the folders disagree ---


def test_a_misfiled_recording_belongs_to_the_subject_of_its_name(tmp_path):
    rows = with_row(7, "happy1_1", 5, 8, 12)
    trees.write_rawpic(tmp_path, rows)
    (tmp_path / "rawpic" / "s23" / "23_0502film").rename(tmp_path / "rawpic" / "s19" / "23_0502funnyerrors")
    dataset = load_casme2_sq(tmp_path)
    clip = clip_of(dataset, "s23_happy1_1")
    assert (clip.subject, clip.source.parent.name) == ("s23", "s19")
    assert [(trap.kind, trap.path.name) for trap in dataset.traps] == [("misfiled", "23_0502funnyerrors")]


def test_a_misfiled_copy_of_a_recording_is_rejected(tmp_path):
    trees.write_rawpic(tmp_path)
    trees.write_frames(tmp_path / "rawpic" / "s19" / "15_0401girlcrashing", range(1, 41))
    dataset = load_casme2_sq(tmp_path)
    assert reasons(dataset) == MACRO | {"15_0401girlcrashing": "duplicate_clip"}
    assert clip_of(dataset, "s15_anger1_1").source.parent.name == "s15"


def test_listed_clips_that_are_absent_are_rejected(tmp_path):
    trees.write_selectedpic(tmp_path)
    (tmp_path / "selectedpic" / "s19").rename(tmp_path / "elsewhere")
    assert reasons(load_casme2_sq(tmp_path)) == MACRO | {"s19_happy1_3": "listed_but_absent"}


@pytest.mark.parametrize("layout", ["rawpic", "selectedpic"])
def test_present_clips_that_are_not_listed_are_rejected(tmp_path, layout):
    WRITERS[layout](tmp_path)
    trees.write_frames(tmp_path / layout / "s16" / "16_0102eatingworms", range(3))
    assert reasons(load_casme2_sq(tmp_path)) == MACRO | {"16_0102eatingworms": "present_but_unlisted"}


def test_an_empty_folder_of_frames_is_rejected(tmp_path):
    trees.write_rawpic(tmp_path)
    for path in (tmp_path / "rawpic" / "s19" / "19_0502film").iterdir():
        path.unlink()
    assert reasons(load_casme2_sq(tmp_path)) == MACRO | {"s19_happy1_3": "no_frames"}


def test_subjects_films_and_rows_that_make_no_sense_are_rejected(tmp_path):
    rows = (
        *trees.CASME2_ROWS,
        trees.CASME2_ROWS[0],
        trees.coding_row(99, "anger1_1", 5, 8, 12),
        trees.coding_row(1, "sad1_1", 5, 8, 12),
    )
    trees.write_rawpic(tmp_path)
    trees.write_coding(tmp_path, rows)
    assert [(one.clip_id, one.reason) for one in load_casme2_sq(tmp_path).rejected] == [
        ("s15_happy1_2", "expression_not_asked"),
        ("s15_anger1_1", "duplicate_row"),
        ("subject99_anger1_1", "unknown_subject"),
        ("s15_sad1_1", "unknown_film"),
    ]


def test_names_are_read_in_upper_and_lower_case(tmp_path):
    trees.write_selectedpic(tmp_path)
    (tmp_path / "selectedpic" / "s15").rename(tmp_path / "selectedpic" / "S15")
    (tmp_path / "selectedpic" / "S15" / "anger1_1").rename(tmp_path / "selectedpic" / "S15" / "Anger1_1")
    (tmp_path / "selectedpic").rename(tmp_path / "SelectedPic")
    assert ids(load_casme2_sq(tmp_path)) == IDS


def test_numbers_as_text_and_codes_without_their_zero_are_read(tmp_path):
    trees.write_rawpic(tmp_path)
    rows = [(str(row[0]), row[1], f" {row[2]} ", float(row[3]), str(row[4]), *row[5:]) for row in trees.CASME2_ROWS]
    subjects = [(str(folder), f"s{folder}", str(subject)) for subject, folder in trees.CASME2_SUBJECTS]
    films = [(int(code), film) for code, film in trees.CASME2_FILMS]
    trees.write_spreadsheet(tmp_path / "CAS(ME)^2code_final.xlsx", rows, subjects, films)
    dataset = load_casme2_sq(tmp_path)
    assert ids(dataset) == IDS
    assert clip_of(dataset, "s15_anger1_1").first_frame == 4


def test_a_header_that_somebody_added_is_passed_over(tmp_path):
    trees.write_rawpic(tmp_path)
    header = ("subject", "clip", "onset", "apex", "offset", "AU", "polarity", "type", "emotion")
    trees.write_coding(tmp_path, (header, *trees.CASME2_ROWS))
    dataset = load_casme2_sq(tmp_path)
    assert ids(dataset) == IDS
    assert kinds(dataset) == ["header_row"]


def test_junk_is_named_wherever_it_lies(tmp_path):
    trees.write_rawpic(tmp_path)
    for folder in ("", "rawpic", "rawpic/s15", "rawpic/s15/15_0401girlcrashing"):
        (tmp_path / folder / "Thumbs.db").touch()
    (tmp_path / "rawpic" / "s15" / "notes.txt").touch()
    (tmp_path / "rawpic" / "other").mkdir()
    dataset = load_casme2_sq(tmp_path)
    assert ids(dataset) == IDS
    assert sorted(kinds(dataset)) == ["junk_files"] * 4 + ["stray_file", "unknown_folder"]


# --- nothing to read ---


def test_a_spreadsheet_without_frames_is_an_error_that_says_so(tmp_path):
    trees.write_coding(tmp_path)
    with pytest.raises(DatasetError, match="code_final.xlsx is there, its frames are not"):
        load_casme2_sq(tmp_path)


def test_frames_without_the_spreadsheet_are_an_error_that_says_so(tmp_path):
    (trees.write_rawpic(tmp_path) / "CAS(ME)^2code_final.xlsx").unlink()
    with pytest.raises(DatasetError, match="rawpic found, but not the spreadsheet"):
        load_casme2_sq(tmp_path)


def test_an_empty_folder_is_an_error_that_says_what_was_looked_for(tmp_path):
    with pytest.raises(DatasetError, match=r"Expected CAS\(ME\)\^2code_final.xlsx beside rawpic.*found nothing"):
        load_casme2_sq(tmp_path)


def test_frames_of_other_recordings_only_are_an_error_that_counts_the_reasons(tmp_path):
    trees.write_coding(tmp_path)
    trees.write_frames(tmp_path / "rawpic" / "s40" / "40_0101disgustingteeth", range(3))
    with pytest.raises(DatasetError, match="6 rejected as listed_but_absent; 1 rejected as present_but_unlisted"):
        load_casme2_sq(tmp_path)


def test_a_spreadsheet_of_another_shape_is_an_error(tmp_path):
    trees.write_rawpic(tmp_path)
    trees.write_spreadsheet(tmp_path / "CAS(ME)^2code_final.xlsx", trees.CASME2_ROWS)
    with pytest.raises(DatasetError, match="Expected three sheets"):
        load_casme2_sq(tmp_path)


def test_an_old_xls_is_an_error_that_says_what_to_do(tmp_path):
    path = trees.write_rawpic(tmp_path) / "CAS(ME)^2code_final.xlsx"
    path.rename(path.with_suffix(".xls"))
    with pytest.raises(DatasetError, match="Save it as .xlsx"):
        load_casme2_sq(tmp_path)


@pytest.mark.parametrize("option", [{"layout": "raw"}, {"label_source": "au"}, {"expression": "nano"}, {"extent": "x"}])
def test_unknown_values_of_options_are_errors_that_name_the_known_ones(tmp_path, option):
    with pytest.raises(ConfigError, match=f"{next(iter(option))}: expected one of"):
        load_casme2_sq(tmp_path, **option)


@pytest.mark.parametrize("window", [0, "64", 2.5])
def test_a_window_is_a_number_of_frames(tmp_path, window):
    with pytest.raises(ConfigError, match="window: expected a whole number"):
        load_casme2_sq(trees.write_rawpic(tmp_path), extent="window", window=window)


@pytest.mark.parametrize("layout", ["selectedpic", "cropped"])
def test_a_second_folder_of_one_expression_is_rejected_by_name(tmp_path, layout):
    trees.write_selectedpic(tmp_path, layout=layout)
    trees.write_frames(tmp_path / layout / "S015" / "anger1_1", range(5, 13), "img{}.jpg")
    dataset = load_casme2_sq(tmp_path)
    assert reasons(dataset) == MACRO | {"anger1_1": "duplicate_clip"}
    assert ids(dataset) == IDS


@pytest.mark.parametrize("onset", [-3, 0])
def test_an_onset_that_no_frame_can_have_is_a_missing_one(tmp_path, onset):
    rows = with_row(3, "anger2_1", onset, None, 9)
    trees.write_rawvideo(tmp_path, trees.CASME2_ROWS)
    trees.write_coding(tmp_path, rows)
    trees.write_video(tmp_path / "rawvideo" / "s19" / "19_0402beating.avi", 20)
    assert reasons(load_casme2_sq(tmp_path))["s19_anger2_1"] == "no_onset"


# --- cells that are no numbers, and text that looks alike ---


def with_cell(cell: str, value: object):
    """The usual rows with one cell, named as spreadsheet programs do, replaced."""
    rows = [list(row) for row in trees.CASME2_ROWS]
    rows[int(cell[1:]) - 1]["ABCDEFGHI".index(cell[0])] = value
    return rows


@pytest.mark.parametrize(("layout", "cell"), [("rawpic", "C1"), ("selectedpic", "E1")])
@pytest.mark.parametrize("value", ["12?", "=C2+7", 12.5, "1,012", "#REF!", "#N/A", "n/a", "12²", "-3", "9" * 5000])
def test_a_cell_that_is_no_number_of_a_frame_rejects_its_row_and_is_quoted(casme2_sheets, layout, cell, value):
    dataset = casme2_sheets(with_cell(cell, value), layout)
    (rejected,) = (one for one in dataset.rejected if one.clip_id == "s15_anger1_1")
    assert rejected.reason == ("no_onset" if cell == "C1" else "no_offset")
    assert f"'{str(value)[:60]}" in rejected.detail
    assert f"({cell} of sheet 'sheet 0' in CAS(ME)^2code_final.xlsx)" in rejected.detail
    assert len(dataset.clips) == 5


@pytest.mark.parametrize("value", ["12", "012", "12.0", 12.0, 12.0000000000000002, "１２", " 12\u200b", "12\u3000"])
def test_a_number_is_read_however_it_is_written(casme2_sheets, value):
    dataset = casme2_sheets(with_cell("E1", value), "rawpic")
    assert clip_of(dataset, "s15_anger1_1").n_frames == 8


@pytest.mark.parametrize("value", ["8?", "=C1+3", 8.5, "#REF!", "/"])
def test_an_apex_that_cannot_be_read_is_left_out_and_costs_a_window(casme2_sheets, value):
    rows = with_cell("D1", value)
    dataset = casme2_sheets(rows, "rawpic")
    assert (clip_of(dataset, "s15_anger1_1").n_frames, clip_of(dataset, "s15_anger1_1").apex) == (8, None)
    assert kinds(dataset) == ["apex_unreadable"]
    assert "(D1 of sheet" in dataset.traps[0].detail
    assert reasons(casme2_sheets(rows, "rawpic", extent="window", window=10))["s15_anger1_1"] == "no_apex"


@pytest.mark.parametrize("value", ["1", "01", " 1", "\u200b1", "１", "1.0"])
def test_a_subject_is_found_however_its_number_is_written(casme2_sheets, value):
    dataset = casme2_sheets(with_cell("A1", value), "rawpic")
    assert ids(dataset) == IDS


@pytest.mark.parametrize("value", ["anger1＿1", "\u200banger1_1", "anger1_1\xa0", "ANGER1_1", "ａｎｇｅｒ1_1"])
def test_a_clip_is_found_however_its_name_is_written(casme2_sheets, value):
    for layout in ("rawpic", "selectedpic"):
        dataset = casme2_sheets(with_cell("B1", value), layout)
        assert ids(dataset) == IDS
        assert not dataset.traps


@pytest.mark.parametrize(
    ("cell", "value", "options", "reason"),
    [
        ("A1", "1?", {}, "unknown_subject"),
        ("B1", "#REF!", {}, "unknown_film"),
        ("B1", '="anger1"&"_1"', {}, "unknown_film"),
        ("G1", "negative?", {"label_source": "polarity"}, "unknown_label"),
        ("H1", "micro or macro", {}, "expression_not_asked"),
        ("I1", "#REF!", {"label_source": "self_report"}, "unknown_label"),
    ],
)
def test_a_word_that_cannot_be_read_rejects_its_row_and_is_quoted(casme2_sheets, cell, value, options, reason):
    dataset = casme2_sheets(with_cell(cell, value), "rawpic", **options)
    rejected = next(one for one in dataset.rejected if one.reason == reason)
    assert f"{value}' ({cell} of sheet" in rejected.detail
    assert len(dataset.clips) == 5
    assert "#ref!" not in dataset.classes


def test_a_first_row_whose_cells_are_errors_is_no_header(casme2_sheets):
    dataset = casme2_sheets([("#REF!",) * 9, *trees.CASME2_ROWS], "rawpic", expression="all")
    assert [(one.clip_id, one.reason) for one in dataset.rejected] == [("subject_REF___ref", "unknown_subject")]


def test_a_subject_of_two_folders_is_nobodys(casme2_sheets):
    subjects = [(15, "s15", 1), (16, "s16", 2), (19, "s19", 3), (16, "s16", 1)]
    dataset = casme2_sheets(trees.CASME2_ROWS, "rawpic", subjects=subjects)
    rejected = [one for one in dataset.rejected if one.reason == "unknown_subject"]
    assert len(rejected) == 3
    assert "but '15' (A1 of sheet 'sheet 1'" in rejected[0].detail
    assert "and '16' (A4 of sheet 'sheet 1'" in rejected[0].detail


def test_notes_before_the_sheets_are_passed_over(tmp_path):
    trees.write_rawpic(tmp_path)
    subjects = [(folder, f"s{folder}", subject) for subject, folder in trees.CASME2_SUBJECTS]
    path = tmp_path / "CAS(ME)^2code_final.xlsx"
    trees.write_spreadsheet(path, [("coded by two",)], trees.CASME2_ROWS, subjects, trees.CASME2_FILMS)
    dataset = load_casme2_sq(tmp_path)
    assert ids(dataset) == IDS
    assert kinds(dataset) == ["sheets_passed_over"]


@pytest.mark.parametrize(
    "other", ["CAS(ME)^2code", "CAS(ME)^2code_final (1)", "CAS(ME)^2code_final - Copy", "CAS(ME)^2code_older", "acode"]
)
def test_the_spreadsheet_of_the_official_name_is_read(tmp_path, other):
    trees.write_rawpic(tmp_path)
    trees.write_coding(tmp_path, [trees.coding_row(1, "anger1_1", 1, 2, 3)], name=f"{other}.xlsx")
    dataset = load_casme2_sq(tmp_path)
    assert ids(dataset) == IDS
    assert [(trap.kind, trap.path.name) for trap in dataset.traps] == [
        ("several_spreadsheets", "CAS(ME)^2code_final.xlsx")
    ]


def test_names_that_differ_in_signs_are_expressions_of_their_own(tmp_path):
    rows = (*with_row(1, "anger1 1", 20, 22, 24), trees.coding_row(1, "anger1+1", 30, 32, 36))
    trees.write_selectedpic(tmp_path, trees.CASME2_ROWS)
    trees.write_coding(tmp_path, rows)
    for row in rows[-2:]:
        trees.write_frames(tmp_path / "selectedpic" / "s15" / row[1], range(row[2], row[4] + 1), "img{}.jpg")
    dataset = load_casme2_sq(tmp_path)
    assert sorted(clip.n_frames for clip in dataset.clips if clip.source.name.startswith("anger1")) == [5, 7, 8, 9]
    assert len({clip.clip_id for clip in dataset.clips}) == 8
    assert reasons(dataset) == MACRO


def test_a_recording_that_lies_beside_the_subjects_is_reported(tmp_path):
    trees.write_rawvideo(tmp_path)
    trees.write_video(tmp_path / "rawvideo" / "15_0102eatingworms.avi", 3)
    assert [(trap.kind, trap.path.name) for trap in load_casme2_sq(tmp_path).traps] == [
        ("stray_file", "15_0102eatingworms.avi")
    ]
