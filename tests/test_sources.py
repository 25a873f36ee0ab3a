"""Real data or stand-in, and the preprocessing that goes with it."""

import os
from dataclasses import replace

import numpy as np
import pytest

from lib import sources
from lib.core import paths
from lib.core.errors import ConfigError, DatasetError, FrameError
from lib.datasets.clip import Clip, Dataset
from lib.standin import plan_standin, writer


@pytest.fixture(autouse=True)
def no_datasets_in_the_environment(monkeypatch):
    for variable in ("SMIC_ROOT", "CASME2_SQ_ROOT"):
        monkeypatch.delenv(variable, raising=False)


def dataset(name, layout, lengths):
    clips = tuple(
        Clip(f"c{number}", name, "s1", "angry", "nowhere", 0, length, 30.0) for number, length in enumerate(lengths)
    )
    return Dataset(name, "nowhere", layout, ("angry",), clips)


def test_the_root_given_wins_over_the_environment(tmp_path, monkeypatch):
    (tmp_path / "given").mkdir()
    (tmp_path / "environment").mkdir()
    monkeypatch.setenv("SMIC_ROOT", str(tmp_path / "environment"))
    assert sources.locate("smic", tmp_path / "given") == tmp_path / "given"
    assert sources.locate("smic") == tmp_path / "environment"


def test_without_a_folder_the_stand_in_is_used(tmp_path, monkeypatch):
    made = []

    def write(name, folder, clips, seed, progress):
        made.append((name, folder, clips, seed))
        return folder

    monkeypatch.setenv("MICROEXP_DATA", str(tmp_path))
    monkeypatch.setattr(sources, "write_standin", write)
    assert sources.locate("smic", clips=18, standin_seed=3) == tmp_path / "raw" / "standin-smic-18-seed3"
    assert made == [("smic", tmp_path / "raw" / "standin-smic-18-seed3", 18, 3)]


def test_stand_ins_of_different_size_or_seed_do_not_share_a_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("MICROEXP_DATA", str(tmp_path))
    monkeypatch.setattr(sources, "write_standin", lambda name, folder, **rest: folder)
    roots = {sources.locate("smic", clips=c, standin_seed=s) for c in (0, 18) for s in (0, 1)}
    assert len(roots) == 4


@pytest.mark.parametrize("how", ["parameter", "environment"])
def test_a_folder_that_does_not_exist_is_an_error_that_says_where_it_was_named(tmp_path, monkeypatch, how):
    absent = tmp_path / "absent"
    if how == "environment":
        monkeypatch.setenv("SMIC_ROOT", str(absent))
        expected = "environment variable SMIC_ROOT"
    else:
        expected = "parameter `root`"
    with pytest.raises(DatasetError, match=expected):
        sources.locate("smic", absent if how == "parameter" else None)


def test_an_unknown_dataset_is_named_with_the_known_ones():
    with pytest.raises(ConfigError, match="casme2_sq, smic, class_folders"):
        sources.locate("samm")


def test_own_clips_need_a_folder():
    with pytest.raises(ConfigError, match="give the folder"):
        sources.locate("class_folders")


def test_loading_a_stand_in_says_so_and_one_that_has_changed_is_an_error_or_said_too(tmp_path, monkeypatch, capsys):
    plan = plan_standin("smic", 6)[:1]
    monkeypatch.setattr(writer, "plan_standin", lambda *arguments: plan)
    monkeypatch.setenv("MICROEXP_DATA", str(tmp_path))
    loaded = sources.load("smic", clips=6, progress=False)
    assert loaded.is_standin
    assert "damaged_standin" not in [trap.kind for trap in loaded.traps]
    said = capsys.readouterr().err
    assert "STAND-IN" in said
    assert "not what was rendered" not in said

    next(loaded.root.rglob("*.bmp")).unlink()
    with pytest.raises(DatasetError, match="1 missing .*Delete that folder; it is rendered again"):
        sources.load("smic", clips=6, progress=False)
    given = sources.load("smic", loaded.root)
    assert "damaged_standin" in [trap.kind for trap in given.traps]
    assert "not what was rendered" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["label_source", "=polarity", "label_source="])
def test_loader_options_that_are_not_name_value_pairs_are_refused(text):
    with pytest.raises(ConfigError, match="name=value"):
        sources.parse_options(text)


def test_the_paper_s_window_is_read_from_casme2_sq_in_class_folders():
    config = sources.preprocessing_config(dataset("casme2_sq", "class_folders", [200, 180]))
    assert (config.sampling, config.start, config.frames) == ("window", 72, 96)


def test_annotated_expressions_of_the_official_layout_are_interpolated_in_time():
    config = sources.preprocessing_config(dataset("casme2_sq", "selectedpic", [9, 17]))
    assert (config.sampling, config.start, config.frames) == ("tim", 0, 96)


def test_windows_of_the_official_layout_are_read_from_their_beginning():
    config = sources.preprocessing_config(dataset("casme2_sq", "rawpic", [96, 96]))
    assert (config.sampling, config.start) == ("first", 0)


def test_smic_is_read_for_18_frames_from_the_first():
    config = sources.preprocessing_config(dataset("smic", "raw", [30]))
    assert (config.sampling, config.start, config.frames) == ("first", 0, 18)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"frames": 32}, ("window", 72, 32)),
        ({"start": 10}, ("window", 10, 96)),
        ({"sampling": "first"}, ("first", 0, 96)),
        ({"sampling": "tim", "frames": 40}, ("tim", 0, 40)),
        ({"sampling": "window", "start": 0}, ("window", 0, 96)),
    ],
)
def test_a_value_that_is_given_replaces_the_default(given, expected):
    config = sources.preprocessing_config(dataset("casme2_sq", "class_folders", [200]), **given)
    assert (config.sampling, config.start, config.frames) == expected


@pytest.mark.parametrize(
    ("name", "layout", "standin", "expected"),
    [
        ("casme2_sq", "class_folders", None, ("rgb_as_bgr", "released")),
        ("casme2_sq", "selectedpic", None, ("rgb_as_bgr", "released")),
        ("smic", "raw", None, ("luma", "released")),
        ("class_folders", "class_folders", None, ("luma", "tracked")),
        ("casme2_sq", "class_folders", {"standin": True}, ("luma", "tracked")),
        ("smic", "raw", {"standin": True}, ("luma", "tracked")),
    ],
)
def test_real_data_of_the_paper_are_read_as_the_released_code_does_and_others_right(name, layout, standin, expected):
    data = replace(dataset(name, layout, [200]), standin=standin)
    config = sources.preprocessing_config(data)
    assert (config.grey, config.detection) == expected
    right = sources.preprocessing_config(data, grey="luma", detection="tracked")
    assert (right.grey, right.detection) == ("luma", "tracked")
    released = sources.preprocessing_config(data, grey="rgb_as_bgr", detection="released")
    assert (released.grey, released.detection) == ("rgb_as_bgr", "released")


def test_how_far_frames_are_enlarged_can_be_chosen():
    data = dataset("smic", "raw", [30])
    assert sources.preprocessing_config(data).upsample == 1
    assert sources.preprocessing_config(data, upsample=2).upsample == 2


def test_frames_of_a_clip_are_read_by_position(monkeypatch):
    frames = [np.full((2, 2, 3), number, np.uint8) for number in range(5)]
    monkeypatch.setattr(sources, "iter_frames", lambda clip: iter(frames))
    clip = dataset("smic", "raw", [5]).clips[0]
    assert sources.read_frames(clip, 1, 3)[:, 0, 0, 0].tolist() == [1, 2]
    with pytest.raises(FrameError, match="expected frames 3 to 6, found 2"):
        sources.read_frames(clip, 3, 7)


def test_a_path_is_shown_without_what_lies_above_the_checkout(tmp_path):
    assert paths.display_path(paths.REPOSITORY / "data" / "raw") == "data/raw"
    assert os.sep not in paths.display_path(tmp_path / "smic")
