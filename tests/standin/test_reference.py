"""Pictures and streams are those of their version: a change of more than rounding needs a new version number.

The bounds leave room for three times what one machine gave with features of its processor switched off in turn.
Rendered frames then differ by one level in at most .0003 of a frame's values. Motion JPEG makes of one such pixel a
rounded coefficient of its block: up to four levels, in .0018. Of dlib's landmarks up to 1.6 % move, by one pixel.
Streams cut by the same landmarks differ by one level in .00006.
"""

import cv2
import numpy as np
import pytest
import reference

from lib.standin import STANDINS

LOSSLESS, JPEG, STREAM = (2, 0.001), (8, 0.005), (2, 0.001)  # levels, share of values that may differ at all
LANDMARK = (1, 0.05)  # pixels, share of coordinates


def assert_rounding(now, then, bound):
    levels, share = bound
    apart = np.abs(now.astype(int) - then.astype(int))
    assert apart.max() <= levels
    assert (apart > 0).mean() <= share


@pytest.mark.parametrize("name", STANDINS)
def test_frames_are_those_of_this_generator_version(tiny_standins, name):
    for position, frame in reference.frames(name, tiny_standins[name]).items():
        path = reference.frame_file(name, position)
        assert path.is_file(), "a new version: see tests/standin/reference.py"
        then = cv2.imread(str(path))[..., ::-1]
        assert_rounding(frame, then, LOSSLESS if name == "smic" else JPEG)


def test_streams_are_those_of_this_preprocessing_version(tiny_standins):
    assert reference.streams_file().is_file(), "a new version: see tests/standin/reference.py"
    clip = reference.tiny.load("smic", tiny_standins["smic"]).clips[0]
    with np.load(reference.streams_file()) as stored:
        then = dict(stored)
    found = then.pop("landmarks")
    assert_rounding(reference.landmarks(clip), found, LANDMARK)
    now = reference.streams(clip, found)
    assert now.keys() == then.keys()
    for name in now:
        assert_rounding(now[name], then[name], STREAM)
