"""Where a video file stops being what its container says: cut off, overwritten, or with a part of it gone.

Decoders step over such places without a word. Only the lengths by which the parts of a file follow each other are read
here; the pictures inside are left to the decoder. How many frames a header counts, how long it says they last and when
each is to be shown is not asked: recorders get those wrong, and frame rates vary. Lengths that are wrong play nowhere.
"""

import mmap
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

UNKNOWN_SIZES = (0, 0xFFFFFFFF)  # of a RIFF list, where the recorder never came back to write it

# EBML identifiers of Matroska and WebM (RFC 9559)
SEGMENT, CLUSTER = 0x18538067, 0x1F43B675
TOP_LEVEL = {CLUSTER, 0x114D9B74, 0x1549A966, 0x1654AE6B, 0x1C53BB6B, 0x1254C367, 0x1043A770, 0x1941A469}
IN_CLUSTER = {0xE7, 0xA3, 0xA0, 0xA7, 0xAB, 0xAF, 0x5854}
KNOWN = {0x1A45DFA3, 0xEC, 0xBF} | TOP_LEVEL | IN_CLUSTER  # the first three: file header, void, checksum

# Identifiers of ASF, the container of WMV, as they lie in the file
ASF_HEADER = bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c")
ASF_FILE = bytes.fromhex("a1dcab8c47a9cf118ee400c00c205365")
ASF_STREAM = bytes.fromhex("9107dcb7b7a9cf118ee600c00c205365")
ASF_FILM = bytes.fromhex("c0ef19bc4d5bcf11a8fd00805f5c442b")
ASF_DATA = bytes.fromhex("3626b2758e66cf11a6d900aa0062ce6c")


@dataclass(frozen=True)
class Damage:
    """The first byte that cannot be what the container says, counted from 0; the file's length if it was cut off."""

    offset: int
    length: int

    def __str__(self) -> str:
        if self.offset >= self.length:
            return f"the file was cut off at byte {self.length}"
        return f"the file is damaged at byte {self.offset} of {self.length}"


def find_damage(path: Path) -> Damage | None:
    """The first damage to the structure of an AVI, MP4, Matroska, WebM, WMV or MPEG file; None if it is whole.

    A file that starts like none of these has lost its start. An index behind the frames may be damaged. Transport
    streams, and MPEG pictures without a container, are not looked into.
    """
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        offset = _walker(data[:16])(data)
        return None if offset is None else Damage(offset, len(data))


def _walker(start: bytes) -> Callable[[mmap.mmap], int | None]:
    if start[:4] == b"RIFF" and start[8:12] == b"AVI ":
        return _riff
    if start[:4] == b"\x1a\x45\xdf\xa3":
        return _matroska
    if start[4:8] in (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot", b"styp"):
        return _mp4
    if start == ASF_HEADER:
        return _asf
    if start[:4] == b"\0\0\1\xba":
        return _program_stream
    is_bare = start[:1] == b"\x47" or start[:4] in (b"\0\0\1\xb0", b"\0\0\1\xb3")  # a transport stream; no container
    return lambda data: None if is_bare else 0


def _riff(data: mmap.mmap) -> int | None:
    """AVI: chunks in RIFF lists; beyond 1 GB a file holds several (OpenDML)."""
    position = 0
    while data[position : position + 4] == b"RIFF":
        size = _little(data, position + 4)
        end = len(data) if size in UNKNOWN_SIZES else position + 8 + size
        if (damage := _chunks(data, position + 12, end)) is not None:
            return damage
        position = end + end % 2
    return None


def _chunks(data: mmap.mmap, position: int, end: int) -> int | None:
    """Walk the chunks between two positions, down into the lists that hold frames."""
    while position + 8 <= min(end, len(data)):
        name, size = data[position : position + 4], _little(data, position + 4)
        if not _printable(name):
            return position
        if name == b"idx1":  # comes after the frames
            return None
        stop = position + 8 + size
        if name == b"LIST" and data[position + 8 : position + 12] in (b"movi", b"rec "):
            stop = len(data) if size in UNKNOWN_SIZES else stop
            if (damage := _chunks(data, position + 12, stop)) is not None:
                return damage
            if data[position + 8 : position + 12] == b"movi":
                return None
        if stop > end != len(data):
            return position
        position = stop + stop % 2
    return len(data) if end > len(data) else None


def _matroska(data: mmap.mmap) -> int | None:
    """Matroska and WebM: elements in a segment, and in its clusters, whose sizes a live recorder leaves unknown."""
    position, segment_end, cluster_end = 0, None, None
    while position < min(segment_end or len(data), len(data)):
        if cluster_end is not None and position >= cluster_end:
            if position > cluster_end:
                return cluster_end
            cluster_end = None
        element = _ebml_element(data, position)
        if element is None:
            return position
        name, start, stop = element
        if name == SEGMENT:
            position, segment_end = start, stop
        elif name == CLUSTER and cluster_end is None:
            position, cluster_end = start, stop
        elif name not in KNOWN or stop is None or (name in TOP_LEVEL and cluster_end is not None):
            return position
        elif stop > len(data):
            return len(data)
        else:
            position = stop
    return len(data) if segment_end is not None and segment_end > len(data) else None


def _ebml_element(data: mmap.mmap, position: int) -> tuple[int, int, int | None] | None:
    """Identifier of the element there, start and stop of its content (None: unknown); None if there is none."""
    id_length = 9 - data[position].bit_length()
    if id_length > 4 or position + id_length >= len(data):
        return None
    size_at = position + id_length
    size_length = 9 - data[size_at].bit_length()
    start = size_at + size_length
    if size_length > 8 or start > len(data):
        return None
    bits = 7 * size_length
    size = _big(data, size_at, size_length) & ((1 << bits) - 1)
    return _big(data, position, id_length), start, None if size == (1 << bits) - 1 else start + size


def _mp4(data: mmap.mmap) -> int | None:
    """MP4 and QuickTime: boxes one after the other. What follows the index and the pictures may be padding."""
    position, seen = 0, set()
    while position < len(data):
        if {b"moov", b"mdat"} <= seen and b"moof" not in seen:
            return None
        size, name, header = _big(data, position, 4), data[position + 4 : position + 8], 8
        if size == 1:
            size, header = _big(data, position + 8, 8), 16
        elif size == 0:
            size = len(data) - position  # to the end of the file
        if size < header or not _printable(name):
            return position
        if position + size > len(data):
            return len(data)
        seen.add(name)
        position += size
    return None if seen & {b"moov", b"moof"} else len(data)


def _asf(data: mmap.mmap) -> int | None:
    """WMV: packets of one size, whose pieces make up numbered pictures (ASF specification 1.2, section 5.2)."""
    packets = _little(data, 16, 8)  # behind the header stands the object that holds them
    properties = data.find(ASF_FILE, 0, min(packets, len(data)))
    if packets + 50 > len(data):
        return len(data)
    if properties < 0 or data[packets : packets + 16] != ASF_DATA:
        return packets
    is_live = data[properties + 88] & 1  # then counts and sizes were never written
    packet_size = _little(data, properties + 92)
    stop = len(data) if is_live else packets + _little(data, packets + 16, 8)
    film = _asf_film(data, packets)
    mark = b"\x82\0\0" if data[packets + 50] == 0x82 else data[packets + 50 : packets + 51]
    picture, received, size = None, 0, 0  # the number of the one that is put together, its bytes so far and in all
    for position in range(packets + 50, stop, max(packet_size, 1)):
        if position + packet_size > len(data):
            return len(data)
        pieces = _asf_pieces(data[position : position + packet_size])
        if pieces is None or data[position : position + len(mark)] != mark:
            return position
        for stream, number, offset, length, whole in pieces:
            if stream != film or (picture is None and offset > 0):
                continue
            if offset == 0 and picture is not None and (received != size or (number - picture) % 256 != 1):
                return position
            if offset > 0 and (number != picture or offset != received):
                return position
            picture, received, size = number, offset + length, whole
    return None if received == size else min(stop, len(data))


def _asf_film(data: mmap.mmap, stop: int) -> int | None:
    """The number of the first stream of pictures that a WMV's header describes."""
    at = data.find(ASF_STREAM, 0, stop)
    while at >= 0 and data[at + 24 : at + 40] != ASF_FILM:
        at = data.find(ASF_STREAM, at + 1, stop)
    return None if at < 0 else data[at + 72] & 0x7F


def _asf_pieces(packet: bytes) -> list[tuple[int, int, int, int, int]] | None:
    """Stream, picture's number, offset in it, length, and picture's size, of each piece; None if unreadable."""
    at = 1 + (packet[0] & 0x0F) if packet[0] & 0x80 else 0
    kinds, properties = packet[at], packet[at + 1]
    at += 2

    def number(kind: int) -> int:
        nonlocal at
        n_bytes = (0, 1, 2, 4)[kind & 3]
        at += n_bytes
        return int.from_bytes(packet[at - n_bytes : at], "little")

    length, _, padding = number(kinds >> 5), number(kinds >> 1), number(kinds >> 3)
    end = (length or len(packet)) - padding
    at += 6
    n_pieces, length_kind = 1, 0
    if kinds & 1 and at < end:
        n_pieces, length_kind = packet[at] & 0x3F, packet[at] >> 6
        at += 1
    pieces = []
    for _ in range(n_pieces):
        if at >= end:
            return None
        stream = packet[at] & 0x7F
        at += 1
        picture, offset, n_extra = number(properties >> 4), number(properties >> 2), number(properties)
        size = int.from_bytes(packet[at : at + 4], "little")
        at += n_extra
        length = number(length_kind) if kinds & 1 else end - at
        if length < 0 or at + length > end:
            return None
        if n_extra >= 8:  # else several small pictures in one piece, which are whole by themselves
            pieces.append((stream, picture, offset, length, size))
        at += length
    return pieces


def _program_stream(data: mmap.mmap) -> int | None:
    """MPEG-1 and MPEG-2 program streams: packs and packets, each with its length (ISO/IEC 13818-1, 2.5.3)."""
    position = 0
    while position < len(data):
        if data[position : position + 3] != b"\0\0\1" or position + 4 > len(data):
            return position
        kind = data[position + 3]
        if kind == 0xB9:  # the end; another stream may follow
            length = 4
        elif kind == 0xBA and position + 14 > len(data):
            return len(data)
        elif kind == 0xBA:
            length = 12 if data[position + 4] >> 4 == 2 else 14 + (data[position + 13] & 7)
        elif kind > 0xBA:
            length = 6 + _big(data, position + 4, 2)
        else:
            return position
        position += length
    return len(data) if position > len(data) else None


def _printable(name: bytes) -> bool:
    return len(name) == 4 and all(0x20 <= byte < 0x7F for byte in name)


def _big(data: mmap.mmap, position: int, n_bytes: int = 4) -> int:
    return int.from_bytes(data[position : position + n_bytes], "big")


def _little(data: mmap.mmap, position: int, n_bytes: int = 4) -> int:
    return int.from_bytes(data[position : position + n_bytes], "little")
