"""Frames of a video file, each vouched for: decoded without an error, and none lost before it.

What a header says of count, length or rate is not believed. Frames before a damaged place are given, none after it: how
many were lost there nobody can tell, and a position in the video would be another moment.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
from av.stream import Disposition
from av.video.frame import PictureType

from lib.core.errors import FrameError
from lib.datasets.containers import find_damage
from lib.datasets.images import content_of, image_format, jpeg_damage

VIDEO_EXTENSIONS = (".avi", ".mp4", ".m4v", ".mov", ".mkv", ".mpg", ".mpeg", ".wmv", ".webm")
# FFmpeg's readers that a video file may need; others would take a text for subtitles, or follow a playlist.
CONTAINERS = "avi,matroska,mov,asf,mpeg,mpegts,mpegvideo,m4v"
# What these coders write has no long run of zeros: they keep it for marking where a picture starts, or code by ranges.
WITHOUT_ZEROS = {"h264", "hevc", "mpeg4", "msmpeg4v2", "msmpeg4v3", "wmv1", "wmv2", "wmv3", "vc1"}
WITHOUT_ZEROS |= {"vp8", "vp9", "av1", "ffv1"}
ZEROS = bytes(256)
# Webcams leave some bytes behind each picture of motion JPEG.
PADDING = re.compile(r"(\d+) extraneous bytes before marker 0xd9")
MAX_PADDING = 16
# Frames that an MPEG stream may be shown without a new one: films on DVD show some of theirs for one and a half, and a
# stream that was cut out of another may start with some that lack what they are made from.
MAX_STEP, MAX_START = 1.75, 3.5


def is_video(path: Path) -> bool:
    """Whether a name is that of a video file."""
    return path.suffix.lower() in VIDEO_EXTENSIONS


def iter_video(path: Path) -> Iterator[np.ndarray]:
    """Decode a video from its start.

    Yields
    ------
    numpy.ndarray
        uint8, (height, width, 3), RGB, turned as the file says.

    Raises
    ------
    FrameError
        Before the first frame that cannot be vouched for: ``"missing"``, ``"empty_file"``, ``"misnamed"``,
        ``"undecodable"`` (no video), ``"truncated"`` (cut off) or ``"damaged"``.
    """
    # The last picture before a damage may be made of half its data, and those between two others (B pictures) of
    # either: they wait until the next picture that stands on its own or on earlier ones has come.
    waiting: list[av.VideoFrame] = []
    for frame in _decoded(path):
        if frame.pict_type != PictureType.B:
            yield from map(_upright, waiting)
            waiting.clear()
        waiting.append(frame)
    if not waiting:
        raise FrameError("undecodable", path, "expected a video, no frame of it decodes")
    yield from map(_upright, waiting)


def _decoded(path: Path) -> Iterator[av.VideoFrame]:
    """Frames up to the first damage; the last ones given before a FrameError may be damaged themselves."""
    content_format = image_format(content_of(path, 16))
    if content_format is not None:
        raise FrameError("misnamed", path, f"the name says video, the content is a {content_format} image")
    damage = find_damage(path)
    n_frames = 0

    def unsound(what: str) -> FrameError:
        reason = "truncated" if damage is not None and damage.offset == damage.length else "damaged"
        place = f"{damage or what}; {max(n_frames - 1, 0)} whole frames come before: copy the file again"
        return FrameError(reason, path, f"expected a whole video, {place}")

    try:
        options = {"format_whitelist": CONTAINERS}
        with av.open(f"file:{path}", metadata_errors="replace", options=options) as container:
            stream = _pictures(container, path)
            coder = stream.codec_context.name
            rate = stream.average_rate if container.format.name == "mpeg" else None
            last_time = None if stream.start_time is None else float(stream.start_time * stream.time_base)
            for packet in container.demux(stream):
                is_last = packet.size == 0
                if damage is not None and (is_last or (packet.pos or 0) >= damage.offset):
                    raise unsound("")
                if packet.is_corrupt or (not is_last and _is_overwritten(coder, bytes(packet))):
                    raise unsound(f"frame {n_frames + 1} is damaged")
                for frame in packet.decode():
                    if frame.is_corrupt:
                        raise unsound(f"frame {n_frames + 1} is damaged")
                    # MPEG streams have one frame rate, and no other sign where packs of one size are gone.
                    step = 0 if not rate or None in (last_time, frame.time) else (frame.time - last_time) * rate
                    if step > (MAX_STEP if n_frames else MAX_START):
                        raise unsound(f"frames are missing before frame {n_frames + 1}")
                    last_time = frame.time
                    n_frames += 1
                    yield frame
    except (av.FFmpegError, ValueError) as error:
        if n_frames == 0 and (damage is None or damage.offset == 0):
            raise FrameError("undecodable", path, f"expected a video, FFmpeg says: {error}") from error
        raise unsound(f"frame {n_frames + 1} does not decode") from error


def _pictures(container: av.container.InputContainer, path: Path) -> av.VideoStream:
    """The stream to read: FFmpeg's choice, unless that is a cover."""
    films = [one for one in container.streams.video if not one.disposition & Disposition.attached_pic]
    films = [one for one in films if one.codec_context is not None]  # None: no decoder is known
    if not films:
        detail = f"expected a video, found {container.format.long_name} without one that FFmpeg decodes"
        raise FrameError("undecodable", path, detail)
    best = container.streams.best("video")
    return best if best in films else films[0]


def _is_overwritten(coder: str, packet: bytes) -> bool:
    """Whether the bytes of one coded picture cannot have been written by its coder."""
    if coder == "mjpeg":
        warning = jpeg_damage(packet)
        padding = PADDING.search(warning)
        return bool(warning) and not (padding and int(padding[1]) <= MAX_PADDING)
    if coder in ("mpeg1video", "mpeg2video"):  # zeros fill up the space before a start code, 00 00 01
        return packet.partition(ZEROS)[2].lstrip(b"\0")[:1] not in (b"", b"\1")
    return coder in WITHOUT_ZEROS and ZEROS in packet


def _upright(frame: av.VideoFrame) -> np.ndarray:
    # The conversion that OpenCV asks of FFmpeg: pictures are equal bit for bit to those that it reads.
    picture = frame.to_ndarray(format="rgb24", interpolation="BICUBIC")
    return np.ascontiguousarray(np.rot90(picture, frame.rotation // 90))
