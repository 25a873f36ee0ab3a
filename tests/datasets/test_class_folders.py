"""One folder per class: the authors' arrangement, and clips of one's own."""

import json
import os
from pathlib import Path

import pytest
import trees

from lib.core.errors import ConfigError, DatasetError
from lib.datasets import load_dataset
from lib.datasets.class_folders import load_class_folders
from lib.datasets.fingerprint import fingerprint


def kinds(dataset) -> list[str]:
    return [trap.kind for trap in dataset.traps]


def reasons(dataset) -> dict[str, str]:
    return {one.clip_id: one.reason for one in dataset.rejected}


def test_folders_of_frames_and_videos_are_clips(tmp_path):
    trees.write_frames(tmp_path / "a" / "s1_01", range(5))
    trees.write_video(tmp_path / "b" / "s2_01.avi", 4)
    dataset = load_class_folders(tmp_path)
    assert [(clip.clip_id, clip.label, clip.n_frames) for clip in dataset.clips] == [
        ("s1_01", "a", 5),
        ("s2_01", "b", None),
    ]
    assert (dataset.layout, dataset.classes, dataset.standin) == ("class_folders", ("a", "b"), None)


def test_no_frame_is_opened(tmp_path):
    trees.write_frames(tmp_path / "a" / "s1_01", range(5))
    for path in (tmp_path / "a" / "s1_01").iterdir():
        path.write_bytes(b"no image")
    (tmp_path / "a" / "s1_02.avi").touch()
    assert len(load_class_folders(tmp_path).clips) == 2


@pytest.mark.parametrize(
    ("name", "subject"),
    [
        ("s15_0101_01", "s15"),
        ("15_0101disgustingteeth_01", "s15"),
        ("S03_sur_01", "s3"),
        ("s1-x", "s1"),
        ("S01", "s1"),
        ("sub01_EP02_01f", "s1"),
        ("sub-01_x", "s1"),
        ("Subject 12 calm", "s12"),
        ("006_1_2", "s6"),
        ("ｓ１５＿x", "s15"),
        ("\u200bs15_x", "s15"),
        ("clip7", "unknown"),
        ("007", "unknown"),  # may be the number of the clip
        ("2019-04-12_calm", "unknown"),
        ("s1a_x", "unknown"),
        ("s²_x", "unknown"),
        ("smile1_x", "unknown"),
    ],
)
def test_the_subject_is_read_from_the_beginning_of_a_name(tmp_path, name, subject):
    trees.write_frames(tmp_path / "a" / name, range(3))
    assert load_class_folders(tmp_path).clips[0].subject == subject


def test_clips_that_do_not_name_their_subject_are_a_trap(tmp_path):
    trees.write_class_folders(tmp_path)
    trees.write_frames(tmp_path / "happy" / "clip7", range(3))
    (trap,) = load_class_folders(tmp_path).traps
    assert (trap.kind, trap.path) == ("unknown_subject", tmp_path)
    assert "1 clips such as clip7" in trap.detail


def test_people_of_several_datasets_are_not_merged(tmp_path):
    for name in ("sub06_EP01_05", "006_1_5", "s06_po_01", "S6-x", "sub006-x"):
        trees.write_frames(tmp_path / "positive" / name, range(3))
    dataset = load_class_folders(tmp_path)
    assert {clip.source.name: clip.subject for clip in dataset.clips} == {
        "sub06_EP01_05": "sub6",
        "sub006-x": "sub6",
        "006_1_5": "6",
        "s06_po_01": "s6",
        "S6-x": "s6",
    }
    assert kinds(dataset) == ["several_namings"]


def test_within_one_dataset_all_ways_to_name_a_subject_mean_one(tmp_path):
    for name in ("sub06_a", "006_b", "s06_c"):
        trees.write_frames(tmp_path / "happy" / name, range(3))
    assert {clip.subject for clip in load_dataset("casme2_sq", tmp_path).clips} == {"s6"}


def test_frames_per_second_are_the_callers(tmp_path):
    trees.write_class_folders(tmp_path)
    assert {clip.fps for clip in load_class_folders(tmp_path).clips} == {30.0}
    assert {clip.fps for clip in load_class_folders(tmp_path, fps=200.0).clips} == {200.0}


def test_clips_come_by_class_then_in_natural_order(tmp_path):
    for name in ("s1_10", "s1_9", "s1_1"):
        trees.write_frames(tmp_path / "a" / name, range(3))
        trees.write_frames(tmp_path / "b" / f"{name}b", range(3))
    ids = [clip.clip_id for clip in load_class_folders(tmp_path, classes=("b", "a")).clips]
    assert ids == ["s1_1b", "s1_9b", "s1_10b", "s1_1", "s1_9", "s1_10"]


def test_nothing_depends_on_the_order_of_the_file_system(tmp_path, monkeypatch):
    trees.write_class_folders(tmp_path, n_clips=3)
    for name in (".DS_Store", "notes.txt", "angry/Thumbs.db", "happy/readme.md"):
        (tmp_path / name).touch()
    (tmp_path / "happy" / "s15_empty").mkdir()
    trees.write_video(tmp_path / "happy" / "s15_0101_01.avi", 3)
    expected = load_class_folders(tmp_path)
    listed = Path.iterdir
    for reverse in (False, True):
        monkeypatch.setattr(Path, "iterdir", lambda self, reverse=reverse: iter(sorted(listed(self), reverse=reverse)))
        assert load_class_folders(tmp_path) == expected


def test_hidden_and_underscored_entries_and_the_marker_are_ignored(tmp_path):
    trees.write_class_folders(tmp_path)
    trees.write_frames(tmp_path / "_truth" / "s15_0001_01", range(3))
    (tmp_path / ".git").mkdir()
    (tmp_path / "angry" / "_notes").mkdir()
    (tmp_path / "STANDIN.json").write_text(json.dumps({"standin": True}))
    dataset = load_class_folders(tmp_path)
    assert set(dataset.classes) == {"angry", "disgust", "happy"}
    assert len(dataset.clips) == 6
    assert not dataset.rejected
    assert dataset.is_standin


def test_junk_and_stray_files_are_named(tmp_path):
    trees.write_class_folders(tmp_path)
    (tmp_path / "Thumbs.db").touch()
    (tmp_path / "readme.txt").touch()
    (tmp_path / "angry" / "._s15.avi").touch()
    (tmp_path / "angry" / "list.csv").touch()
    (tmp_path / "angry" / "s15_0001_01" / ".DS_Store").touch()
    found = [(trap.kind, trap.path.name) for trap in load_class_folders(tmp_path).traps]
    assert sorted(found) == [
        ("junk_files", "angry"),
        ("junk_files", "s15_0001_01"),
        ("junk_files", tmp_path.name),
        ("stray_file", "list.csv"),
        ("stray_file", "readme.txt"),
    ]


def test_a_folder_without_frames_is_rejected(tmp_path):
    trees.write_class_folders(tmp_path)
    (tmp_path / "angry" / "s20_x" / "inner").mkdir(parents=True)
    rejected = load_class_folders(tmp_path).rejected
    assert [(one.clip_id, one.reason) for one in rejected] == [("s20_x", "no_frames")]
    assert "inner/" in rejected[0].detail


def test_a_class_with_one_clip_is_a_trap(tmp_path):
    trees.write_class_folders(tmp_path)
    trees.write_frames(tmp_path / "fear" / "s1_01", range(3))
    traps = [trap for trap in load_class_folders(tmp_path).traps if trap.kind == "single_clip_class"]
    assert [trap.detail for trap in traps] == ["one clip of class fear: it cannot be both trained on and tested"]


def test_gaps_and_doubled_extensions_are_traps(tmp_path):
    trees.write_class_folders(tmp_path)
    trees.write_frames(tmp_path / "angry" / "s17_01", [1, 2, 4], "img{}.jpg.jpg")
    dataset = load_class_folders(tmp_path)
    assert sorted(kinds(dataset)) == ["doubled_extension", "missing_frames"]
    assert next(clip for clip in dataset.clips if clip.clip_id == "s17_01").n_frames == 3


def test_images_directly_in_a_class_folder_are_no_clips(tmp_path):
    trees.write_class_folders(tmp_path)
    trees.write_frames(tmp_path / "angry", range(3))
    dataset = load_class_folders(tmp_path)
    assert kinds(dataset) == ["loose_frames"]
    assert len(dataset.clips) == 6


def test_a_video_beside_the_folder_of_its_frames_is_a_duplicate(tmp_path):
    trees.write_class_folders(tmp_path)
    trees.write_video(tmp_path / "angry" / "S15_0001_01.avi", 3)
    dataset = load_class_folders(tmp_path)
    assert reasons(dataset) == {"S15_0001_01": "duplicate_clip"}
    assert dataset.rejected[0].source.suffix == ".avi"


def test_a_name_in_two_classes_gets_the_class_in_front(tmp_path):
    for label in ("a", "b"):
        trees.write_frames(tmp_path / label / "s1_01", range(3))
    dataset = load_class_folders(tmp_path)
    assert [clip.clip_id for clip in dataset.clips] == ["a_s1_01", "b_s1_01"]
    assert [clip.subject for clip in dataset.clips] == ["s1", "s1"]
    assert kinds(dataset).count("name_in_several_classes") == 2


def test_names_that_differ_in_blanks_brackets_signs_or_case_are_clips_of_their_own(tmp_path):
    names = ("s1_a (1)", "s1_a[1]", "s1_a 1", "s1_a_1", "S1_A_1", "s1_a+1")
    for length, name in enumerate(names, start=2):
        trees.write_frames(tmp_path / "calm" / name, range(length))
    trees.write_frames(tmp_path / "calm" / "s1_b", range(3))
    dataset = load_class_folders(tmp_path)
    assert {clip.source.name: clip.n_frames for clip in dataset.clips if clip.clip_id != "s1_b"} == {
        name: length for length, name in enumerate(names, start=2)
    }
    assert len({clip.clip_id.lower() for clip in dataset.clips}) == 7
    assert not dataset.rejected
    assert kinds(dataset) == ["similar_names"] * 6


def test_an_identifier_of_similar_names_does_not_depend_on_where_the_folder_lies(tmp_path):
    for root in (tmp_path / "here", tmp_path / "there"):
        for name in ("s1_a 1", "s1_a_1"):
            trees.write_frames(root / "calm" / name, range(3))
    here, there = (load_class_folders(tmp_path / place) for place in ("here", "there"))
    assert [clip.clip_id for clip in here.clips] == [clip.clip_id for clip in there.clips]


def test_a_class_in_front_of_an_identifier_makes_no_two_alike(tmp_path):
    for label, name in (("a", "b_c"), ("x", "b_c"), ("a_b", "c"), ("y", "c")):
        trees.write_frames(tmp_path / label / name, range(3))
    dataset = load_class_folders(tmp_path)
    assert len({clip.clip_id for clip in dataset.clips}) == 4


def test_names_that_are_no_utf8_can_be_written_everywhere(tmp_path):
    for name in ("s2_高兴", "s2_难过"):
        trees.write_frames(tmp_path / os.fsdecode("高".encode("gbk")) / os.fsdecode(name.encode("gbk")), range(3))
    dataset = load_class_folders(tmp_path)
    assert dataset.classes == (r"\xb8\xdf",)
    assert [clip.subject for clip in dataset.clips] == ["s2", "s2"]
    assert len({clip.clip_id for clip in dataset.clips}) == 2
    assert r"s2_\xb8\xdf\xd0\xcb" in dataset.table().to_csv().encode().decode()
    assert len(fingerprint(dataset)) == 64


def test_what_begins_with_an_underscore_is_reported(tmp_path):
    trees.write_class_folders(tmp_path)
    trees.write_frames(tmp_path / "angry" / "_x", range(3))
    trees.write_frames(tmp_path / "_fear" / "s1_x", range(3))
    dataset = load_class_folders(tmp_path)
    assert [(trap.kind, trap.path) for trap in dataset.traps] == [
        ("underscored", tmp_path),
        ("underscored", tmp_path / "angry"),
    ]
    assert "_x" in dataset.traps[1].detail


def test_a_folder_with_data_beside_the_one_of_its_own_name_is_not_a_doubled_one(tmp_path):
    root = tmp_path / "calm"
    for label in ("calm", "talk"):
        trees.write_frames(root / label / "s1_a", range(3))
    trees.write_frames(root / "calm" / "s1_a" / "s1_a", range(9))
    dataset = load_class_folders(root)
    assert dataset.classes == ("calm", "talk")
    assert [clip.n_frames for clip in dataset.clips] == [3, 3]
    assert "doubled_folder" not in kinds(dataset)


def test_an_empty_class_folder_is_reported(tmp_path):
    trees.write_class_folders(tmp_path)
    (tmp_path / "fear").mkdir()
    assert [(trap.kind, trap.path.name) for trap in load_class_folders(tmp_path).traps] == [("empty_folder", "fear")]


def test_identifiers_can_be_file_names(tmp_path):
    trees.write_frames(tmp_path / "a" / "s1 my clip (2)", range(3))
    assert load_class_folders(tmp_path).clips[0].clip_id == "s1_my_clip_2"


def test_doubled_folders_are_entered_and_reported(tmp_path):
    trees.write_class_folders(tmp_path / "data" / "data")
    trees.write_frames(tmp_path / "data" / "data" / "angry" / "s17_01" / "s17_01", range(3))
    dataset = load_class_folders(tmp_path / "data")
    assert len(dataset.clips) == 7
    assert kinds(dataset) == ["doubled_folder", "doubled_folder"]


def test_clips_of_classes_not_asked_for_are_rejected(tmp_path):
    dataset = load_class_folders(trees.write_class_folders(tmp_path), classes=("happy", "angry"))
    assert dataset.classes == ("happy", "angry")
    assert set(reasons(dataset).values()) == {"class_not_asked"}
    assert len(dataset.clips) + len(dataset.rejected) == 6


def test_an_unknown_class_is_an_error_that_names_the_known_ones(tmp_path):
    with pytest.raises(ConfigError, match="No class fear.*angry, disgust, happy"):
        load_class_folders(trees.write_class_folders(tmp_path), classes=("fear",))


def test_a_folder_without_clips_is_no_class(tmp_path):
    trees.write_class_folders(tmp_path)
    (tmp_path / "papers").mkdir()
    assert "papers" not in load_class_folders(tmp_path).classes


def test_an_empty_dataset_says_what_was_expected_and_found(tmp_path):
    (tmp_path / "angry").mkdir()
    with pytest.raises(DatasetError, match="one folder per class.*found angry/"):
        load_class_folders(tmp_path)


def test_a_root_that_is_not_there_or_a_file_is_an_error(tmp_path):
    with pytest.raises(DatasetError, match="found nothing"):
        load_class_folders(tmp_path / "absent")
    (tmp_path / "file").touch()
    with pytest.raises(DatasetError, match="found a file"):
        load_class_folders(tmp_path / "file")


def test_an_unknown_dataset_or_option_is_an_error_that_names_the_known_ones(tmp_path):
    with pytest.raises(ConfigError, match="dataset: expected one of casme2_sq, smic, class_folders; found 'casme'"):
        load_dataset("casme", tmp_path)
    with pytest.raises(ConfigError, match="smic has no option extent; known are layout, classes"):
        load_dataset("smic", tmp_path, extent="window")
    with pytest.raises(ConfigError, match="class_folders has no option aliases, name, root; known are classes, fps"):
        load_dataset("class_folders", tmp_path, **{"root": "/", "name": "mine", "aliases": {}})


@pytest.mark.parametrize("classes", ["angry", ("angry", "angry")])
def test_classes_are_names_each_once(tmp_path, classes):
    with pytest.raises(ConfigError, match="classes: expected names, each once"):
        load_class_folders(trees.write_class_folders(tmp_path), classes)


@pytest.mark.parametrize("options", [{"fps": "30"}, {"fps": 0}, {"fps": float("nan")}, {"aliases": "angry"}])
def test_an_option_of_the_wrong_kind_is_named(tmp_path, options):
    with pytest.raises(ConfigError, match=f"{next(iter(options))}: expected"):
        load_class_folders(trees.write_class_folders(tmp_path), **options)


def test_a_digit_that_is_no_number_does_not_break_the_order(tmp_path):
    for name in ("s1_²", "s1_2", "s1_1"):
        trees.write_frames(tmp_path / "a" / name, range(2), "²{}.png")
    assert [clip.clip_id for clip in load_class_folders(tmp_path).clips][:2] == ["s1_1", "s1_2"]


@pytest.mark.parametrize("content", ["", "[]"])
def test_a_damaged_marker_is_an_error_and_not_real_data(tmp_path, content):
    (trees.write_class_folders(tmp_path) / "STANDIN.json").write_text(content)
    with pytest.raises(DatasetError, match=r"STANDIN\.json"):
        load_class_folders(tmp_path)
