"""Frames and videos to files, with the failures that OpenCV keeps to itself."""

import errno
import os
from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np

JPEG_QUALITY = 96


def write_image(path: Path, frame: np.ndarray) -> None:
    """Write an RGB frame; the extension chooses the format. Raises OSError, as OpenCV's own writer does not."""
    options = [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY] if path.suffix == ".jpg" else []
    _, encoded = cv2.imencode(path.suffix, frame[..., ::-1], options)
    path.write_bytes(encoded.tobytes())


def write_video(path: Path, frames: Iterable[np.ndarray], fps: float) -> None:
    """Write RGB frames as motion JPEG: every frame on its own, so that no codec smooths a micro-movement away."""
    path.parent.mkdir(parents=True, exist_ok=True)
    frames = [np.ascontiguousarray(frame[..., ::-1]) for frame in frames]
    options = [cv2.VIDEOWRITER_PROP_QUALITY, JPEG_QUALITY]
    code, size = cv2.VideoWriter.fourcc(*"MJPG"), frames[0].shape[1::-1]
    writer = cv2.VideoWriter(str(path), cv2.CAP_OPENCV_MJPEG, code, fps, size, options)
    if not writer.isOpened():
        raise OSError(f"{path}: OpenCV cannot open a motion-JPEG file for writing here")
    for frame in frames:
        writer.write(frame)
    writer.release()
    # the writer reports nothing when the disk fills up
    video = cv2.VideoCapture(str(path))
    video.set(cv2.CAP_PROP_POS_FRAMES, len(frames) - 1)
    complete, _ = video.read()
    video.release()
    if not complete:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
