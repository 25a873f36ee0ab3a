"""One image is decoded whole, or refused with its reason."""

import io
import struct
from pathlib import Path

import cv2
import numpy as np
import pytest
import trees
from PIL import Image

from lib.core.errors import FrameError
from lib.datasets.images import read_image


def reason_of(path: Path) -> str:
    with pytest.raises(FrameError) as caught:
        read_image(path)
    assert caught.value.path == path
    return caught.value.reason


def with_exif_orientation(path: Path, orientation: int) -> Path:
    """Put an EXIF block with an orientation tag behind the start marker of a JPEG."""
    tiff = b"II*\0" + struct.pack("<IHHHIHHI", 8, 1, 0x0112, 3, 1, orientation, 0, 0)
    block = b"Exif\0\0" + tiff
    content = path.read_bytes()
    path.write_bytes(content[:2] + b"\xff\xe1" + struct.pack(">H", len(block) + 2) + block + content[2:])
    return path


def test_colours_come_as_rgb(tmp_path):
    picture = np.zeros((4, 6, 3), np.uint8)
    picture[..., 0] = 200  # blue, as OpenCV writes it
    assert read_image(trees.write_image(tmp_path / "a.png", picture))[0, 0].tolist() == [0, 0, 200]


def test_grey_becomes_three_equal_channels(tmp_path):
    grey = np.arange(24, dtype=np.uint8).reshape(4, 6)
    assert np.array_equal(
        read_image(trees.write_image(tmp_path / "a.png", grey)), np.repeat(grey[..., None], 3, axis=2)
    )


def test_transparency_is_dropped(tmp_path):
    picture = np.zeros((4, 6, 4), np.uint8)
    picture[..., 2] = 90
    assert np.array_equal(read_image(trees.write_image(tmp_path / "a.png", picture)), np.full((4, 6, 3), [90, 0, 0]))


@pytest.mark.parametrize("extension", [".png", ".tif"])
def test_sixteen_bits_are_scaled_to_eight(tmp_path, extension):
    values = np.array([[0, 257, 32768, 65535]], np.uint16)
    frame = read_image(trees.write_image(tmp_path / f"a{extension}", values))
    assert frame.dtype == np.uint8
    assert frame[0, :, 0].tolist() == [0, 1, 128, 255]


def test_exif_orientation_is_applied(tmp_path):
    path = trees.write_image(tmp_path / "a.jpg", trees.image(height=8, width=16))
    with_exif_orientation(path, 6)  # to be shown a quarter turn clockwise
    assert read_image(path).shape == (16, 8, 3)


@pytest.mark.parametrize("extension", [".jpg", ".png", ".bmp", ".tif"])
def test_whole_images_of_every_format_decode(tmp_path, extension):
    assert read_image(trees.write_image(tmp_path / f"a{extension}", trees.image())).shape == (8, 10, 3)


@pytest.mark.parametrize("extension", [".jpg", ".png", ".bmp"])
@pytest.mark.parametrize("share", [0.4, 0.97])
def test_truncated_images_are_errors_even_where_opencv_fills_in_grey(tmp_path, extension, share):
    path = trees.write_image(
        tmp_path / f"a{extension}", np.random.default_rng(0).integers(0, 256, (32, 32, 3), np.uint8)
    )
    assert reason_of(trees.cut(path, share)) == "truncated"


def test_a_jpeg_padded_with_zeros_after_an_interrupted_copy_is_truncated(tmp_path):
    path = trees.write_image(tmp_path / "a.jpg", np.random.default_rng(0).integers(0, 256, (32, 32, 3), np.uint8))
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2].ljust(len(content), b"\0"))
    assert reason_of(path) == "truncated"


def test_the_end_of_an_exif_thumbnail_is_not_the_end_of_the_jpeg(tmp_path):
    path = trees.write_image(tmp_path / "a.jpg", trees.image())
    content = path.read_bytes()
    thumbnail = b"Exif\0\0" + content
    block = b"\xff\xe1" + struct.pack(">H", len(thumbnail) + 2) + thumbnail
    path.write_bytes(content[:2] + block + content[2:])
    assert read_image(path).shape == (8, 10, 3)
    path.write_bytes(path.read_bytes()[:-10])
    assert reason_of(path) == "truncated"


def test_an_empty_file_is_an_error(tmp_path):
    (tmp_path / "a.jpg").touch()
    assert reason_of(tmp_path / "a.jpg") == "empty_file"


def test_text_named_as_an_image_is_undecodable(tmp_path):
    (tmp_path / "a.jpg").write_text("no picture at all")
    assert reason_of(tmp_path / "a.jpg") == "undecodable"


def test_an_image_of_another_format_than_its_name_is_misnamed(tmp_path):
    path = trees.write_image(tmp_path / "a.png", trees.image()).rename(tmp_path / "a.jpg")
    assert reason_of(path) == "misnamed"


def test_a_damaged_png_is_undecodable(tmp_path):
    path = trees.write_image(tmp_path / "a.png", np.random.default_rng(0).integers(0, 256, (32, 32, 3), np.uint8))
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)
    assert reason_of(path) == "undecodable"


def test_a_missing_image_is_an_error(tmp_path):
    assert reason_of(tmp_path / "a.jpg") == "missing"


# --- damage that decoders pass over ---


def photo(height: int = 120, width: int = 161) -> np.ndarray:
    """A smooth BGR picture without black."""
    small = np.random.default_rng(0).integers(60, 200, (height // 8, width // 8, 3), np.uint8)
    return cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)


def encoded(kind: str) -> bytes:
    """`photo` as a file of some kind."""
    picture = photo()
    if kind == "bmp, 12-byte header":
        height, width, _ = picture.shape
        rows = b"".join(row.tobytes().ljust((width * 3 + 3) // 4 * 4, b"\0") for row in picture[::-1])
        return struct.pack("<2sIHHIIHHHH", b"BM", 26 + len(rows), 0, 0, 26, 12, width, height, 1, 24) + rows
    if kind.startswith("tif"):
        file = io.BytesIO()
        Image.fromarray(picture[..., ::-1]).save(file, "TIFF", compression=kind.removeprefix("tif, "))
        return file.getvalue()
    options = {
        "jpg, progressive": [cv2.IMWRITE_JPEG_PROGRESSIVE, 1],
        "jpg, restarts": [cv2.IMWRITE_JPEG_RST_INTERVAL, 4],
    }
    return cv2.imencode("." + kind[:3], picture, options.get(kind, []))[1].tobytes()


KINDS = ["jpg", "jpg, progressive", "jpg, restarts", "png", "bmp", "bmp, 12-byte header", "tif, raw", "tif, tiff_lzw"]
KINDS += ["tif, tiff_deflate", "tif, packbits", "tif, jpeg"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("how", ["zeros inside", "zeros to the end", "a block lost", "cut off"])
def test_no_picture_comes_from_a_damaged_file(tmp_path, kind, how):
    content = encoded(kind)
    path = tmp_path / f"a.{kind[:3]}"
    path.write_bytes(content)
    whole = read_image(path)
    assert np.abs(whole[..., ::-1].astype(int) - photo()).mean() < 5
    middle = len(content) // 2
    block = 1024
    path.write_bytes(
        {
            "zeros inside": content[:middle] + bytes(block) + content[middle + block :],
            "zeros to the end": content[:middle] + bytes(len(content) - middle),
            "a block lost": content[:middle] + content[middle + block :],
            "cut off": content[:middle],
        }[how]
    )
    assert reason_of(path) in ("damaged", "truncated", "undecodable")


@pytest.mark.parametrize("kind", ["bmp", "tif, raw"])
@pytest.mark.parametrize(
    "black",
    [np.s_[:30], np.s_[-30:], np.s_[40:80], np.s_[:, :30], np.s_[40:80, 20:100], np.s_[:]],
    ids=["above", "below", "band", "left", "box", "all"],
)
def test_black_areas_are_no_damage(tmp_path, monkeypatch, kind, black):
    picture = photo()
    picture[black] = 0
    monkeypatch.setitem(globals(), "photo", lambda: picture)
    path = tmp_path / f"a.{kind[:3]}"
    path.write_bytes(encoded(kind))
    assert np.array_equal(read_image(path), picture[..., ::-1])


@pytest.mark.parametrize("compression", ["raw", "tiff_lzw"])
@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_transparency_of_a_tiff_is_dropped_not_multiplied(tmp_path, mode, compression):
    colours = Image.fromarray(photo()[..., ::-1]).convert(mode.removesuffix("A"))
    expected = np.asarray(colours.convert("RGB"))
    colours.putalpha(100)
    colours.save(tmp_path / "a.tif", compression=compression)
    assert np.array_equal(read_image(tmp_path / "a.tif"), expected)


@pytest.mark.parametrize("extension", [".png", ".tif"])
@pytest.mark.parametrize("bits", [10, 12])
def test_ten_or_twelve_bits_in_sixteen_are_refused_not_shown_as_black(tmp_path, extension, bits):
    values = np.linspace(0, 2**bits - 1, 64).astype(np.uint16).reshape(8, 8)
    assert reason_of(trees.write_image(tmp_path / f"a{extension}", values)) == "unknown_depth"
    values = values << (16 - bits)  # the same, scaled to the range of 16 bits as the formats ask
    frame = read_image(trees.write_image(tmp_path / f"b{extension}", values))
    assert (frame.min(), frame.max()) == (0, 255)
