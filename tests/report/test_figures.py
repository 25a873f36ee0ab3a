"""How pictures and numbers look: told apart, sharp, and with a text for who cannot see them."""

import base64
import io
import itertools

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_rgb
from PIL import Image
from skimage.color import deltaE_ciede2000, rgb2lab

from lib.report import figures

# How colours look without one kind of cone, in linear light (Machado, Oliveira and Fernandes 2009, severity 1)
VISION = {
    "all cones": np.eye(3),
    "no red": [[0.152, 1.053, -0.205], [0.115, 0.786, 0.099], [-0.004, -0.048, 1.052]],
    "no green": [[0.367, 0.861, -0.228], [0.280, 0.673, 0.047], [-0.012, 0.043, 0.969]],
    "no blue": [[1.256, -0.077, -0.179], [-0.078, 0.931, 0.148], [0.005, 0.691, 0.304]],
}
ROLES = (figures.TRAINING, figures.VALIDATION, figures.PAPER, figures.MARK)


def linear(colour):
    return np.array([c / 12.92 if c <= 0.0404 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(colour)])


def seen(colour, vision):
    light = np.clip(np.array(VISION[vision]) @ linear(colour), 0, 1)
    return rgb2lab(np.where(light <= 0.0031, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)[None, None])


@pytest.mark.parametrize("vision", VISION)
def test_every_two_roles_have_colours_that_are_told_apart(vision):
    apart = [deltaE_ciede2000(seen(a, vision), seen(b, vision)).item() for a, b in itertools.combinations(ROLES, 2)]
    assert min(apart) > 15


@pytest.mark.parametrize("colour", ROLES)
def test_a_role_is_visible_on_the_white_of_a_picture(colour):
    assert 1.05 / (linear(colour) @ [0.2126, 0.7152, 0.0722] + 0.05) > 2.9


def drawing(values=(0.25, 0.75)):
    figure, axis = plt.subplots(figsize=(3, 2))
    axis.plot(range(len(values)), values, label="validation")
    axis.set(xlabel="epoch", ylabel="accuracy", title="one run")
    return figure


def test_a_picture_has_twice_the_pixels_that_it_takes_and_carries_its_caption():
    data, metadata = figures.finished(drawing(), caption="One run.")._repr_mimebundle_()
    (kind,) = metadata
    pixels = Image.open(io.BytesIO(base64.b64decode(data[kind]))).width
    shown = metadata[kind]
    assert kind == "image/png"
    assert pixels // 2 == shown["width"]
    assert shown["caption"] == "One run."


def test_the_text_of_a_picture_names_its_axes_and_follows_its_data():
    texts = [figures.described(drawing(values)) for values in ((0.25, 0.75), (-0.5, 0.125))]
    assert all("accuracy by epoch" in text and "one run" in text for text in texts)
    assert "validation: 0.25 to 0.75" in texts[0]
    assert "validation: −0.5 to 0.125" in texts[1]
    plt.close("all")


def test_photographs_are_kept_as_jpeg():
    figure, axis = plt.subplots()
    axis.imshow(np.zeros((64, 64)))
    assert "image/jpeg" in figures.finished(figure)._repr_mimebundle_()[0]
