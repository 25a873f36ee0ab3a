"""The authors' arrays, bit for bit: preprocessing beside a plain loop that does what their scripts do."""

from dataclasses import replace
from itertools import islice
from pathlib import Path

import cv2
import dlib
import numpy as np
import pytest

from lib.datasets import load_dataset
from lib.datasets.clip import Clip
from lib.datasets.frames import iter_frames
from lib.preprocessing.config import RELEASED_READING, default_config
from lib.preprocessing.landmarks import DlibDetector, find_model
from lib.preprocessing.pipeline import process_clip

N_FRAMES = 2  # the search of a frame that is doubled takes long
RECORDINGS = sorted((Path(__file__).resolve().parents[2].parent / "shared" / "clips").glob("*.mpg"))
BLUE_FIRST = {"casme2_sq": False, "smic": True}  # imageio's frames are red-green-blue, OpenCV's blue-green-red


@pytest.fixture(scope="module")
def detector():
    return DlibDetector()


@pytest.fixture(scope="module")
def colourful(small_smic, tmp_path_factory):
    """A rendered clip between a red lamp and a blue one."""
    folder = tmp_path_factory.mktemp("colourful")
    for position, frame in enumerate(islice(iter_frames(load_dataset("smic", small_smic).clips[0]), N_FRAMES)):
        lamps = np.linspace([1, 0.8, 0.5], [0.5, 0.8, 1], frame.shape[1])  # (width, RGB)
        lit = np.rint(frame * lamps).astype(np.uint8)
        cv2.imwrite(str(folder / f"img{position}.png"), cv2.cvtColor(lit, cv2.COLOR_RGB2BGR))
    return Clip("colourful", "smic", "1", "negative", folder, 0, N_FRAMES, 100.0)


def arrays_as_released(frames, blue_first):
    """What the released scripts make of RGB frames: lists of 64 x 64 frames, 32 x 32 eyes and 32 x 32 mouths."""
    search, place = dlib.get_frontal_face_detector(), dlib.shape_predictor(str(find_model()))
    whole, eyes, mouths = [], [], []
    for frame in frames:
        image = np.ascontiguousarray(frame[..., ::-1]) if blue_first else frame
        points = np.array([(point.x, point.y) for point in place(image, search(image, 1)[0]).parts()])
        eye = image[points[19][1] : points[1][1], points[1][0] : points[15][0]]
        mouth = image[points[2][1] : points[6][1], points[2][0] : points[14][0]]
        for part, size, kept in ((image, 64, whole), (eye, 32, eyes), (mouth, 32, mouths)):
            part = cv2.resize(part, (size, size), interpolation=cv2.INTER_AREA)
            kept.append(cv2.cvtColor(part, cv2.COLOR_BGR2GRAY))
    return {"frame": whole, "eyes": eyes, "mouth": mouths}


def assert_as_released(clip, dataset, detector):
    config = replace(default_config(dataset), frames=N_FRAMES, sampling="first", start=0, **RELEASED_READING[dataset])
    found = process_clip(clip, config, detector)
    assert found.kept, found.detail
    expected = arrays_as_released(list(iter_frames(clip))[:N_FRAMES], BLUE_FIRST[dataset])
    for stream, images in expected.items():
        np.testing.assert_array_equal(found.arrays[stream], images)
    return found.arrays["frame"].astype(int)


def test_arrays_of_a_colourful_clip_are_those_of_the_released_scripts(colourful, detector):
    exchanged, right = (assert_as_released(colourful, dataset, detector) for dataset in ("casme2_sq", "smic"))
    assert np.abs(exchanged - right).max() > 10  # grey levels: the clip can tell the two apart


@pytest.mark.parametrize("dataset", RELEASED_READING)
@pytest.mark.skipif(not RECORDINGS, reason="no recordings of people lie beside the checkout, in ../shared/clips")
def test_arrays_of_a_recording_are_those_of_the_released_scripts(dataset, detector):
    video = RECORDINGS[0]
    assert_as_released(Clip(video.stem, dataset, "1", "angry", video, 0, N_FRAMES, 25.0), dataset, detector)
