"""How much faster LBP-TOP is on a whole volume at once than pixel by pixel, at one clip of SMIC's size.

    python benchmarks/lbp_top.py

`codes_by_pixel` is the method as its definition reads: the yardstick of time and, in the tests, of the codes.
"""

import math
import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from lib.baselines.lbp_top import Settings, pattern_codes

PLANES = {"XY": "xy", "XT": "xt", "YT": "yt"}


def codes_by_pixel(volume: np.ndarray, settings: Settings) -> dict[str, np.ndarray]:
    """What `lib.baselines.lbp_top.pattern_codes` returns, with a loop over pixels and their neighbours."""
    radius = dict(zip("xyt", settings.radii, strict=True))
    inner = {"t": volume.shape[0] - 2 * radius["t"], "y": volume.shape[1] - 2 * radius["y"]}
    inner["x"] = volume.shape[2] - 2 * radius["x"]
    codes = {}
    for (plane, (across, along)), points in zip(PLANES.items(), settings.points, strict=True):
        code = np.zeros((inner["t"], inner["y"], inner["x"]), dtype=int)
        for t in range(inner["t"]):
            for y in range(inner["y"]):
                for x in range(inner["x"]):
                    centre = {"t": t + radius["t"], "y": y + radius["y"], "x": x + radius["x"]}
                    grey = int(volume[centre["t"], centre["y"], centre["x"]])
                    for p in range(points):
                        angle = 2 * math.pi * p / points
                        place = dict(centre)
                        place[across] += round(radius[across] * math.cos(angle), 9)
                        place[along] -= round(radius[along] * math.sin(angle), 9)
                        code[t, y, x] |= int(_between(volume, place, grey) >= 0) << p
        codes[plane] = code
    return codes


def _between(volume: np.ndarray, place: dict[str, float], grey: int) -> float:
    """Grey at a place between pixels, interpolated linearly, less another grey."""
    total = 0.0
    ends = {axis: {math.floor(at), math.ceil(at)} for axis, at in place.items()}
    for t in ends["t"]:
        for y in ends["y"]:
            for x in ends["x"]:
                weight = math.prod(1 - abs(at - place[axis]) for axis, at in (("t", t), ("y", y), ("x", x)))
                total += weight * (int(volume[t, y, x]) - grey)
    return total


def main() -> None:
    volume = np.random.default_rng(0).integers(0, 256, (10, 64, 64), dtype=np.int16)
    for title, settings in (
        ("MEGC 2019, 4 neighbours", Settings()),
        ("SMIC 2013, 8 neighbours", Settings(points=(8, 8, 8), radii=(1, 1, 2))),
    ):
        begun = time.process_time()
        slow = codes_by_pixel(volume, settings)
        by_pixel = time.process_time() - begun
        at_once = min(_seconds(volume, settings) for _ in range(5))
        assert all((slow[plane] == code).all() for plane, code in pattern_codes(volume, settings).items())
        print(f"{title}: {by_pixel:.2f} s by pixel, {1e3 * at_once:.1f} ms at once, {by_pixel / at_once:.0f} times")


def _seconds(volume: np.ndarray, settings: Settings) -> float:
    begun = time.process_time()
    pattern_codes(volume, settings)
    return time.process_time() - begun


if __name__ == "__main__":
    main()
