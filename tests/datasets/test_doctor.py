"""The doctor: what is wrong with a copy, and whether it can be used."""

import json

import pytest
import trees

from lib.core.errors import ConfigError
from lib.datasets.doctor import examine, format_report


@pytest.fixture
def distinct_classes(tmp_path):
    """Six clips of five frames in three classes, no two of them alike."""
    for i, (name, n) in enumerate((name, n) for name in ("negative", "positive", "surprise") for n in (1, 2)):
        trees.write_frames(tmp_path / name / f"s{n}_{name[:2]}_{n:02d}", range(i, i + 5), "img{}.png")
    return tmp_path


def doctor(name, root, **options):
    return examine(name, root, progress=False, **options)


def frames_of(root, clip):
    return sorted(next(root.rglob(clip)).iterdir())


def test_a_sound_copy_is_usable_without_findings(distinct_classes):
    report = doctor("class_folders", distinct_classes)
    assert report.usable
    assert not report.error
    assert not report.traps
    assert not report.dataset.rejected
    assert not report.frame_problems
    assert report.dataset.counts().to_dict() == report.sound == {"negative": 2, "positive": 2, "surprise": 2}
    assert report.frames_decoded == 6 * 5
    assert format_report(report).splitlines()[-1] == "USABLE"


def test_every_bad_frame_of_a_clip_is_named_with_its_reason(distinct_classes):
    first, second, third, *_ = frames_of(distinct_classes, "s2_su_02")
    trees.cut(first)
    second.write_bytes(b"")
    third.write_bytes(trees.write_frames(distinct_classes / "_tmp", [1], "{}.jpg").joinpath("1.jpg").read_bytes())
    report = doctor("class_folders", distinct_classes)
    assert [(one.clip_id, one.source, one.reason) for one in report.frame_problems] == [
        ("s2_su_02", first, "truncated"),
        ("s2_su_02", second, "empty_file"),
        ("s2_su_02", third, "misnamed"),
    ]
    assert report.sound["surprise"] == 1
    text = format_report(report)
    assert "truncated (1)" in text
    assert text.splitlines()[-1] == "USABLE: 5 of 6 clips are sound"


def test_a_frame_of_another_size_is_named(distinct_classes):
    last = frames_of(distinct_classes, "s1_ne_01")[-1]
    last.write_bytes(trees.cv2.imencode(".png", trees.image(height=20))[1].tobytes())
    assert [(one.source, one.reason) for one in doctor("class_folders", distinct_classes).frame_problems] == [
        (last, "size_changed")
    ]


def test_cut_and_misnamed_videos_are_named(tmp_path):
    for name in ("angry", "happy"):
        for n in (1, 2):
            trees.write_video(tmp_path / name / f"s{n}_{name}.avi", 6 + n + len(name))
    trees.cut(tmp_path / "angry" / "s1_angry.avi")
    (tmp_path / "happy" / "s2_happy.avi").write_bytes(trees.cv2.imencode(".jpg", trees.image())[1].tobytes())
    report = doctor("casme2_sq", tmp_path)
    assert {one.clip_id: one.reason for one in report.frame_problems} == {
        "s1_angry": "truncated",
        "s2_happy": "misnamed",
    }
    assert not report.usable


def test_clips_with_the_same_frames_are_a_trap(distinct_classes):
    copied = distinct_classes / "surprise" / "s9_su_01"
    copied.mkdir()
    for path in frames_of(distinct_classes, "s1_ne_01"):
        (copied / path.name).write_bytes(path.read_bytes())
    traps = doctor("class_folders", distinct_classes).traps
    assert [(trap.kind, trap.detail) for trap in traps] == [
        ("same_frames", "s9_su_01 (surprise) has the same frames as s1_ne_01 (negative)")
    ]


def test_without_decoding_only_names_are_looked_at(distinct_classes):
    trees.cut(frames_of(distinct_classes, "s2_su_02")[0])
    report = doctor("class_folders", distinct_classes, decode=False)
    assert report.usable
    assert report.frames_decoded is None
    assert not report.frame_problems
    assert "nothing decoded" in format_report(report)


@pytest.mark.parametrize(("sound_classes", "usable"), [(1, False), (2, True)])
def test_a_copy_is_usable_with_two_classes_of_two_sound_clips(distinct_classes, sound_classes, usable):
    for name in ("negative", "positive", "surprise")[sound_classes:]:
        for clip in (distinct_classes / name).iterdir():
            trees.cut(sorted(clip.iterdir())[0])
            break
    assert doctor("class_folders", distinct_classes).usable is usable


def test_a_class_of_one_clip_is_named_with_the_option_that_leaves_it_out(distinct_classes):
    for path in frames_of(distinct_classes, "s2_su_02"):
        path.unlink()
    report = doctor("class_folders", distinct_classes)
    assert report.usable
    assert "nothing trains: surprise; leave them out by classes=negative,positive" in format_report(report)
    assert doctor("class_folders", distinct_classes, classes=("negative", "positive")).sound == {
        "negative": 2,
        "positive": 2,
    }


def test_a_copy_that_cannot_be_read_is_a_report_not_an_error(tmp_path):
    report = doctor("smic", tmp_path / "absent")
    assert not report.usable
    assert "found nothing" in report.error
    assert format_report(report).splitlines()[-1] == "NOT USABLE"


def test_an_unknown_option_is_an_error(tmp_path):
    with pytest.raises(ConfigError):
        doctor("smic", tmp_path, extent="window")


def test_smic_is_compared_with_its_publication(tmp_path):
    report = doctor("smic", trees.write_smic(tmp_path))
    assert {name: tuple(row) for name, row in report.comparisons.iterrows()} == {
        "negative": ("2", "70", False),
        "positive": ("2", "51", False),
        "surprise": ("2", "43", False),
        "clips": ("6", "164", False),
        "subjects": ("4", "16", False),
        "frames per second": ("100", "100", True),
        "frames per clip": ("4-4", "11-58", False),
    }
    assert "differs" in format_report(report)


@pytest.mark.parametrize(("expression", "published"), [("micro", "57"), ("macro", "300"), ("all", "357")])
def test_casme2_is_compared_with_its_publication(tmp_path, expression, published):
    report = doctor("casme2_sq", trees.write_rawpic(tmp_path), expression=expression)
    assert report.comparisons["published"].to_dict() == {
        "clips": published,
        "subjects": "22",
        "frames per second": "30",
    }


def test_a_choice_of_classes_is_not_compared_with_the_whole(tmp_path):
    assert doctor("smic", trees.write_smic(tmp_path), classes=("negative", "positive")).comparisons.empty


def test_a_stand_in_is_announced_and_compared_with_nothing(tmp_path):
    trees.write_smic(tmp_path)
    marker = {"standin": True, "statement": "Rendered faces of people who do not exist."}
    (tmp_path / "STANDIN.json").write_text(json.dumps(marker))
    report = doctor("smic", tmp_path / "SMIC_all_raw")
    assert report.dataset.standin == marker
    assert report.comparisons.empty
    assert "THIS IS A STAND-IN" in format_report(report)
    assert marker["statement"] in format_report(report)


@pytest.mark.parametrize("name", ["smic", "casme2_sq"])
def test_a_stand_in_below_the_folder_given_is_announced_too(tmp_path, name):
    write = {"smic": trees.write_smic, "casme2_sq": trees.write_rawpic}[name]
    (write(tmp_path / f"{name}_rendered") / "STANDIN.json").write_text(json.dumps({"standin": True}))
    report = doctor(name, tmp_path)
    assert report.dataset.standin == {"standin": True}
    assert report.comparisons.empty


def test_long_lists_are_shortened_and_say_so(tmp_path):
    trees.write_selectedpic(tmp_path)
    for n in range(40):
        (tmp_path / "selectedpic" / "s16" / f"anger9_{n}").mkdir()
    text = format_report(doctor("casme2_sq", tmp_path), limit=10)
    assert "present_but_unlisted (40)" in text
    assert "and 35 more" in text
    assert "expression_not_asked (1)" in text


def test_subjects_are_listed_in_natural_order_with_sums(tmp_path):
    lines = format_report(doctor("smic", trees.write_smic(tmp_path))).splitlines()
    table = [line.split() for line in lines if line.startswith(("s1", "s2", "s3", "all"))]
    assert table == [
        ["s1", "2", "·", "·", "2"],
        ["s2", "·", "1", "·", "1"],
        ["s3", "·", "1", "1", "2"],
        ["s18", "·", "·", "1", "1"],
        ["all", "2", "2", "2", "6"],
    ]


def test_the_verdict_says_that_subjects_are_unknown(distinct_classes):
    trees.write_frames(distinct_classes / "surprise" / "clip7", range(9, 14), "img{}.png")
    text = format_report(doctor("class_folders", distinct_classes))
    assert "7 clips of 2 subjects and 1 of unknown ones" in text
    assert text.splitlines()[-1] == "USABLE: protocols that divide by subject refuse it, for some subjects are unknown"


def test_a_report_can_be_printed_whatever_the_names(distinct_classes):
    odd = distinct_classes / "surprise" / "s3_\udcb8\udcdf\n\u200b"
    trees.write_frames(odd, range(9, 14), "img{}.png")
    (odd / "img9.png").write_bytes(b"")
    text = format_report(doctor("class_folders", distinct_classes))
    assert r"surprise/s3_\xb8\xdf\n\u200b/img9.png: expected an image" in text
    assert text.encode("utf-8")
