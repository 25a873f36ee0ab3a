"""Six recordings of people speaking (GRID corpus, 360x288, 75 frames each) where they lie beside the checkout."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lib.core.errors import PreprocessingError
from lib.datasets.class_folders import load_class_folders
from lib.datasets.frames import iter_frames
from lib.preprocessing import default_config, landmarks, preprocess
from lib.preprocessing.regions import region_box

FOLDER = Path(__file__).resolve().parents[2].parent / "shared" / "clips"
VIDEOS = sorted(FOLDER.glob("*.mpg"))
CLASSES = ("angry", "happy", "disgust")

pytestmark = pytest.mark.skipif(len(VIDEOS) != 6, reason=f"six recordings are expected in {FOLDER}")


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    root = tmp_path_factory.mktemp("real")
    for number, video in enumerate(VIDEOS):
        folder = root / CLASSES[number % 3]
        folder.mkdir(exist_ok=True)
        (folder / f"s{number}_{video.name}").symlink_to(video)
    return load_class_folders(root, classes=CLASSES, fps=25)


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    return tmp_path_factory.mktemp("processed")


@pytest.fixture(scope="module")
def store(dataset, out):
    return preprocess(dataset, default_config("class_folders"), out, jobs=1, progress=False)


def test_a_face_is_found_in_every_frame(store):
    assert len(store.quality) == 6
    assert store.quality["kept"].all()
    assert (store.quality["detection_rate"] == 1).all()
    assert (store.quality[["filled", "longest_gap", "upsampled"]] == 0).all(axis=None)
    assert (store.quality["score"] > 0.5).all()
    assert store.quality["interocular_px"].between(50, 100).all()
    assert store.quality["jitter"].between(0.001, 0.03).all(), "people who speak move, and landmarks do not jump"


def test_crops_hold_the_landmarks_they_are_named_for(store, dataset):
    for clip, points in zip(dataset.clips, store.landmarks(), strict=True):
        shape = next(iter_frames(clip)).shape
        for region, inside in (("eyes", slice(36, 48)), ("mouth", slice(48, 68))):
            for frame_points in points:
                left, top, right, bottom = region_box(region, frame_points, shape)
                x, y = frame_points[inside].T
                assert left < x.min()
                assert x.max() < right
                assert top <= y.min()
                assert y.max() < bottom


def test_volumes_are_neither_blank_nor_still(store):
    for stream in ("frame", "face", "eyes", "mouth"):
        volumes = store.load(stream).astype(float)
        assert volumes.shape[:2] == (6, 18)
        assert (volumes.std(axis=(2, 3)) > 10).all(), f"{stream} has contrast"
        assert (np.abs(np.diff(volumes, axis=1)).mean(axis=(1, 2, 3)) > 0.3).all(), f"{stream} moves"


def test_the_face_is_centred_and_upright(store):
    """Left and right half of an aligned face resemble each other more than its upper and lower half."""
    faces = store.load("face")[:, 0].astype(float)
    sides = np.abs(faces - faces[:, :, ::-1]).mean(axis=(1, 2))
    ends = np.abs(faces - faces[:, ::-1]).mean(axis=(1, 2))
    assert (sides < ends).all()


def test_a_second_call_reuses_the_store_and_another_parameter_makes_another(store, dataset, out, monkeypatch):
    def forbidden(*arguments):
        raise AssertionError("the detector was asked for, though the store is there")

    with monkeypatch.context() as patched:
        patched.setattr(landmarks, "DlibDetector", forbidden)
        again = preprocess(dataset, store.config, out, jobs=1, progress=False)
    assert (again.path, again.fingerprint) == (store.path, store.fingerprint)
    short = preprocess(dataset, replace(store.config, frames=2), out, jobs=1, progress=False)
    assert short.path != store.path
    np.testing.assert_array_equal(short.load("mouth"), store.load("mouth")[:, :2])


def test_a_preset_longer_than_the_clips_says_what_to_do(dataset, out):
    with pytest.raises(PreprocessingError, match=r"too_short: 6.*168 frames .*sampling='tim'"):
        preprocess(dataset, default_config("casme2_sq"), out, jobs=1, progress=False)
