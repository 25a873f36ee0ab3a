"""One image file, decoded whole or refused with the reason: neither its name nor its header is believed.

Decoders fill what they cannot read with grey or black and say nothing, so damage is looked for before they are asked.
"""

import io
import struct
import warnings
import zlib
from collections.abc import Mapping
from pathlib import Path

import cv2
import numpy as np
import simplejpeg
from PIL import Image, ImageOps

from lib.core.errors import FrameError

# Extension -> the format that a file of that name must hold.
IMAGE_FORMATS = {".jpg": "JPEG", ".jpeg": "JPEG", ".png": "PNG", ".bmp": "BMP", ".tif": "TIFF", ".tiff": "TIFF"}
SIGNATURES = (
    (b"\xff\xd8\xff", "JPEG"),
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"BM", "BMP"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
)
# 16-bit values that never reach this may be 10, 12 or 14 bits in 16, or a dark picture: nothing in the file tells.
FULL_RANGE = 2**14
# Values of TIFF tag 259
UNCOMPRESSED, JPEG, DEFLATE, PACKBITS = 1, 7, (8, 32946), 32773
# A picture goes on from one row to the next, a block of zeros does not: beside its ends at least this share is not 0.
CONTENT_BESIDE_ZEROS = 0.7


def read_image(path: Path) -> np.ndarray:
    """Decode one image file.

    Returns
    -------
    numpy.ndarray
        uint8, (height, width, 3), RGB. Grey images are repeated in three channels, transparency is dropped, EXIF
        orientation is applied. 16-bit images are scaled to 8 bits (65535 becomes 255).

    Raises
    ------
    FrameError
        ``"missing"``, ``"empty_file"``, ``"misnamed"`` (the content is of another format than the extension says),
        ``"truncated"``, ``"damaged"``, ``"undecodable"``, or ``"unknown_depth"`` (16-bit values of which none reaches
        a quarter of the range: 10 or 12 bits in 16 would become black).
    """
    path = Path(path)
    content = content_of(path)
    expected = IMAGE_FORMATS.get(path.suffix.lower())
    found = image_format(content)
    if found is None:
        raise FrameError("undecodable", path, f"expected {expected or 'an image'}, found no image inside")
    if found != expected:
        raise FrameError("misnamed", path, f"the name says {expected or 'no image'}, the content is {found}; rename it")
    if found == "TIFF":
        image = _read_tiff(path, content)
    else:
        _require_whole(path, content, found)
        image = _decode(path, content, found)
    if image.dtype == np.uint16:
        if image.max() < FULL_RANGE:
            detail = f"expected values up to 65535 in 16 bits, found none above {image.max()}"
            raise FrameError("unknown_depth", path, f"{detail}: convert the frames to 8 bits, all by one factor")
        image = np.round(image / 257.0).astype(np.uint8)
    if image.dtype != np.uint8:
        raise FrameError("undecodable", path, f"expected 8 or 16 bits per channel, found {image.dtype}")
    return image


def content_of(path: Path, n_bytes: int = -1) -> bytes:
    """The first `n_bytes` of a file (all by default), which must exist and not be empty."""
    try:
        with path.open("rb") as file:
            content = file.read(n_bytes)
    except OSError as error:
        raise FrameError("missing", path, f"cannot be read: {error.strerror}") from error
    if not content:
        raise FrameError("empty_file", path, "expected an image or a video, found a file of 0 bytes")
    return content


def image_format(content: bytes) -> str | None:
    """The format that a file's first bytes tell; None if it is no image that is read here."""
    return next((name for signature, name in SIGNATURES if content.startswith(signature)), None)


def jpeg_damage(content: bytes) -> str:
    """What libjpeg warns of in a JPEG; empty if nothing. Pillow and OpenCV have it decoded and say nothing.

    Where bytes are lost or overwritten, the codes that follow are read wrongly: too few blocks come before the end of
    the data, or too many. Damage of a few bytes may pass.
    """
    try:
        # an eighth of the size in grey: all codes are read, hardly a pixel is computed
        simplejpeg.decode_jpeg(content, "GRAY", min_height=1, min_width=1, min_factor=8, strict=True)
    except ValueError as error:
        return str(error)
    return ""


def _decode(path: Path, content: bytes, image_format: str) -> np.ndarray:
    """What OpenCV makes of an image: RGB of 8 or 16 bits."""
    try:
        image = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR | cv2.IMREAD_ANYDEPTH)
    except cv2.error:
        image = None
    if image is None:
        raise FrameError("undecodable", path, f"the {image_format} cannot be decoded")
    return cv2.cvtColor(image, cv2.COLOR_BGR2RGB)


def _read_tiff(path: Path, content: bytes) -> np.ndarray:
    """A TIFF by Pillow: OpenCV multiplies by transparency, and gives pictures whose compressed data are damaged."""
    try:
        with warnings.catch_warnings(action="ignore"), Image.open(io.BytesIO(content), formats=["TIFF"]) as image:
            image.load()
            tags = image.tag_v2
            bits = max(tags.get(258, (1,)))
            upright = ImageOps.exif_transpose(image)
            pixels = np.asarray(upright if image.mode.startswith(("I", "F")) else upright.convert("RGB"))
            if image.mode.startswith("I;16"):
                pixels = pixels.astype(np.uint16) << (16 - bits)  # 12 bits of 12 are white
    except Exception as error:  # Pillow lets through whatever its parts raise over bytes that make no sense
        raise FrameError("damaged", path, f"the TIFF does not decode: {error}") from error
    if damage := _tiff_damage(content, tags):
        raise FrameError("damaged", path, f"expected a whole TIFF, found that {damage}: copy the file again")
    if bits == 16 and pixels.dtype == np.uint8:  # Pillow keeps 16 bits of grey alone
        return _decode(path, content, "TIFF")
    return np.repeat(pixels[..., None], 3, axis=2) if pixels.ndim == 2 else pixels


def _require_whole(path: Path, content: bytes, image_format: str) -> None:
    """FrameError if a JPEG, PNG or BMP lacks its end, or is damaged before it. OpenCV asks the checksums of a PNG."""
    damage = ""
    if image_format == "JPEG":
        damage = jpeg_damage(content)
        # an end-of-image marker behind the last start of a scan: an EXIF thumbnail has one of its own before
        is_cut = damage and content.rfind(b"\xff\xd9") <= content.rfind(b"\xff\xda")
    elif image_format == "PNG":
        is_cut = b"IEND" not in content
    else:
        rows = _bmp_rows(content)
        is_cut = rows is not None and rows.size == 0
        damage = _zeroed(rows)
    if is_cut:
        raise FrameError("truncated", path, f"the {image_format} ends before its data do ({len(content)} bytes)")
    if damage:
        raise FrameError("damaged", path, f"expected a whole {image_format}, found that {damage}: copy the file again")


def _bmp_rows(content: bytes) -> np.ndarray | None:
    """The bytes of a BMP's rows, as they lie in the file: empty if any is missing, None if they are run-length coded.

    The file-size field is often wrong and is not asked.
    """
    head = content[:34].ljust(34, b"\0")
    offset, header_size = struct.unpack_from("<II", head, 10)
    if header_size == 12:  # OS/2
        width, height, _, bits_per_pixel = struct.unpack_from("<HHHH", head, 18)
        compression = 0
    else:
        width, height, _, bits_per_pixel, compression = struct.unpack_from("<iiHHI", head, 18)
    if compression in (1, 2):
        return None
    used, stride = (width * bits_per_pixel + 7) // 8, (width * bits_per_pixel + 31) // 32 * 4
    rows = np.frombuffer(content, np.uint8)[offset : offset + stride * abs(height)]
    if used <= 0 or height == 0 or rows.size < stride * abs(height):
        return np.empty((0, 0), np.uint8)
    return rows.reshape(abs(height), stride)[:, :used]


def _tiff_damage(content: bytes, tags: Mapping) -> str:
    """What is wrong with the data of a TIFF that libtiff decodes without complaint; empty if nothing is found."""
    places = zip(tags.get(273, tags.get(324, ())), tags.get(279, tags.get(325, ())), strict=False)
    parts = [content[offset : offset + length] for offset, length in places]
    compression = tags.get(259, UNCOMPRESSED)
    if compression in DEFLATE:
        try:
            for part in parts:
                zlib.decompress(part)
        except zlib.error as error:
            return f"its data do not unpack ({error})"
    if compression == JPEG:  # the tables stand apart, between a start and an end of their own
        tables = tags.get(347, b"\xff\xd8\xff\xd9")
        return next(filter(None, (jpeg_damage(tables[:-2] + part[2:]) for part in parts)), "")
    if 273 not in tags or tags.get(284, 1) != 1:
        return ""  # the rows do not lie one after the other, but in tiles or planes
    width, height = (tags[256] * sum(tags.get(258, (1,))) + 7) // 8, tags[257]
    if compression == PACKBITS and (unpacked := sum(map(_unpacked_length, parts))) != width * height:
        return f"its data unpack to {unpacked} bytes, not {width * height}"
    if compression == UNCOMPRESSED and len(data := b"".join(parts)) >= width * height:
        return _zeroed(np.frombuffer(data, np.uint8)[: width * height].reshape(height, width))
    return ""


def _unpacked_length(packed: bytes) -> int:
    """Into how many bytes PackBits unpacks (TIFF 6.0, section 9)."""
    position = length = 0
    while position < len(packed):
        count = packed[position]
        if count < 128:
            position, length = position + count + 2, length + count + 1
        else:  # 128 stands for nothing
            position, length = position + (2 if count > 128 else 1), length + (257 - count if count > 128 else 0)
    return length


def _zeroed(rows: np.ndarray | None) -> str:
    """Where a block of zeros lies over uncompressed rows; empty if none does.

    It is told from a black area by its ends: it starts or stops in the middle of a row, beside a row that has content
    all the way. A block that is shorter than a row, or happens to start and stop with one, cannot be told.
    """
    if rows is None or bytes(rows.shape[1]) not in rows.tobytes() or not rows.any():
        return ""
    width = rows.shape[1]
    filled = np.concatenate([[-1], np.flatnonzero(rows), [rows.size]])  # with both ends of the picture
    for i in np.flatnonzero(np.diff(filled) > width):
        first, stop = int(filled[i]) + 1, int(filled[i + 1])
        above, left = divmod(first, width)
        below, right = divmod(stop, width)
        starts = first == 0 or (above > 0 and left > 0 and _has_content(rows[above - 1, left:]))
        stops = stop == rows.size or (below + 1 < len(rows) and right > 0 and _has_content(rows[below + 1, :right]))
        if starts and stops:
            return f"{stop - first} of its {rows.size} bytes, from row {above + 1} on, are zeros"
    return ""


def _has_content(part: np.ndarray) -> bool:
    return np.count_nonzero(part) >= CONTENT_BESIDE_ZEROS * part.size
