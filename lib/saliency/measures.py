"""Saliency maps in numbers: how much of it lies where, whether it points at what moves, with intervals over clips."""

import math
import warnings
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pandas as pd
from scipy.stats import spearmanr

from lib.saliency.regions import REGIONS
from lib.statistics.intervals import bootstrap_interval, percentile_limits
from lib.statistics.metrics import wilson_interval

LEVEL = 0.95
MOVING = 0.5  # of the clip's largest displacement: what moves at least this much is "the region that moves"

Measured = Mapping[str, float | int | None]


# === Shares of regions ===


def region_shares(maps: Sequence[np.ndarray], regions: Sequence[np.ndarray]) -> np.ndarray:
    """The share of each clip's saliency that falls into each region.

    Parameters
    ----------
    maps : sequence of arrays (n, height, width, depth)
        One for each stream.
    regions : sequence of arrays (n, n_regions, height, width, depth)
        The share of each region in each pixel; see `lib.saliency.regions.clip_regions`.

    Returns
    -------
    (n, n_regions) float64
        Rows add up to 1; NaN for a clip without any saliency.
    """
    total = sum(part.sum(axis=(1, 2, 3), dtype=np.float64) for part in maps)
    inside = np.zeros((len(total), len(REGIONS)))
    for clip in range(len(total)):  # one clip's regions as float32 at a time
        for part, one in zip(maps, regions, strict=True):
            inside[clip] += np.tensordot(one[clip].astype(np.float32), part[clip], axes=3)
    with np.errstate(invalid="ignore"):
        return inside / np.where(total > 0, total, np.nan)[:, None]


def area_shares(regions: Sequence[np.ndarray], seen: Sequence[int]) -> np.ndarray:
    """The share of each clip's pixels that each region covers, (n, n_regions): what a blind map would score.

    Parameters
    ----------
    regions
        See `region_shares`.
    seen : (height, width, depth)
        The part of each volume that the network can see; pixels beyond it do not count.
    """
    height, width, depth = seen
    covered = sum(one[..., :height, :width, :depth].sum(axis=(2, 3, 4), dtype=np.float64) for one in regions)
    return covered / covered.sum(axis=1, keepdims=True)


def share_table(
    shares: np.ndarray, areas: np.ndarray, random_shares: np.ndarray, n_resamples: int, seed: int
) -> pd.DataFrame:
    """Saliency share, area share and their ratio for each region, with intervals.

    Parameters
    ----------
    shares, areas : (n, n_regions)
        Of the trained network's maps, and of pixels.
    random_shares : (n_draws, n, n_regions)
        Of the maps of the same network with all weights random, for each draw of them.
    n_resamples, seed : int
        Of the bootstrap over clips.

    Returns
    -------
    DataFrame, a row for each of `REGIONS`
        ``share``, ``area``, ``ratio`` (share over area, of means), ``random`` (share of the random networks) and
        ``gain`` (share less random, paired by clip). Of each but the area also ``…_low`` and ``…_high``: an interval
        over clips, but for ``random`` the lowest and the highest of the draws, which differ by chance alone. A region
        without area has no ratio.
    """
    random_mean = random_shares.mean(axis=0)

    def over(values, where):
        return values[where].mean(axis=0)

    def ratio(where):
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.where(over(areas, where) > 0, over(shares, where) / over(areas, where), np.nan)

    clips = np.flatnonzero(np.isfinite(shares[:, 0]))
    both = np.flatnonzero(np.isfinite(shares[:, 0]) & np.isfinite(random_mean[:, 0]))
    columns = {
        "share": bootstrap(lambda where: over(shares, where), clips, n_resamples, seed),
        "ratio": bootstrap(ratio, clips, n_resamples, seed),
        "random": _over_draws(random_shares[:, both]),
        "gain": bootstrap(lambda where: over(shares - random_mean, where), both, n_resamples, seed),
    }
    table = pd.DataFrame({"area": over(areas, clips) if len(clips) else np.nan}, index=list(REGIONS))
    for name, (value, low, high) in columns.items():
        table[name], table[f"{name}_low"], table[f"{name}_high"] = value, low, high
    return table


def _over_draws(random_shares: np.ndarray) -> tuple[np.ndarray | float, ...]:
    """Mean, lowest and highest over draws of the mean over clips of (n_draws, n, n_regions); NaN without clips."""
    if 0 in random_shares.shape:
        return (np.nan,) * 3
    of_draw = random_shares.mean(axis=1)
    return of_draw.mean(axis=0), of_draw.min(axis=0), of_draw.max(axis=0)


def bootstrap(
    statistic: Callable[[np.ndarray], np.ndarray | float], clips: np.ndarray, n_resamples: int, seed: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A statistic of a set of clips, with the expanded percentile interval of `LEVEL` from drawing clips anew.

    The statistic may be of several arrays and have several values; for a mean, see `bootstrap_interval`.

    Parameters
    ----------
    statistic : function of (n,) int
        Takes the positions of the clips drawn.
    clips : (n,) int
        Positions of all clips that count.
    n_resamples, seed : int

    Returns
    -------
    value, low, high
        NaN without clips; the interval is NaN with fewer than two, which say nothing about others.

    Examples
    --------
    >>> heights = np.array([1.0, 2.0, 3.0, 4.0])
    >>> [float(x) for x in bootstrap(lambda chosen: heights[chosen].mean(), np.arange(4), 2000, seed=0)]
    [2.5, 1.0, 4.0]
    """
    if len(clips) == 0:
        return (np.array(np.nan),) * 3
    value = np.asarray(statistic(clips), float)
    if len(clips) < 2:
        return value, np.full_like(value, np.nan), np.full_like(value, np.nan)
    rng = np.random.default_rng(seed)
    drawn = np.array([statistic(clips[rng.integers(0, len(clips), len(clips))]) for _ in range(n_resamples)], float)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "All-NaN slice", RuntimeWarning)  # a region without area has no ratio
        return value, *percentile_limits(drawn, len(clips), LEVEL)


def mean_interval(values: Sequence[float], n_resamples: int, seed: int) -> Measured:
    """Mean over clips with its bootstrap interval: value, low, high, n (clips with a finite value)."""
    values = np.asarray(values, float)
    values = values[np.isfinite(values)]
    if len(values) == 0:
        return {"value": None, "low": None, "high": None, "n": 0}
    found = bootstrap_interval(values, np.random.default_rng(seed), n_resamples, LEVEL).to_dict()
    return {"value": found["estimate"], "low": found["low"], "high": found["high"], "n": len(values)}


# === Saliency against motion ===


def motion_measures(
    maps: Sequence[np.ndarray], motion: Sequence[np.ndarray], background: Sequence[np.ndarray]
) -> pd.DataFrame:
    """Whether the saliency of each clip, summed over its frames, lies where the face moves.

    Parameters
    ----------
    maps : sequence of arrays (n, height, width, depth)
        One for each stream.
    motion : sequence of arrays (n, height, width)
        Mean displacement of each pixel; see `lib.saliency.regions.clip_motion`.
    background : sequence of arrays (n, height, width, depth)
        The share of background in each pixel.

    Returns
    -------
    DataFrame, a row for each clip
        ``hit``: whether the pixel with most saliency moves at least `MOVING` times as far as the one that moves most
        (the pointing game of Zhang et al. 2016, without their tolerance of 15 pixels). ``chance``,
        ``chance_in_face``: the share of all pixels, and of those in the face, that do. ``spearman``,
        ``spearman_in_face``: rank correlation of saliency and displacement over pixels. NaN (hit: missing) for a
        clip without saliency or without motion.

    References
    ----------
    Zhang, Lin, Brandt, Shen, Sclaroff, "Top-down neural attention by excitation backprop", ECCV 2016.
    """
    rows = []
    for clip in range(len(maps[0])):
        salient = np.concatenate([part[clip].sum(axis=-1, dtype=np.float64).ravel() for part in maps])
        moved = np.concatenate([part[clip].ravel() for part in motion])
        in_face = np.concatenate([part[clip].mean(axis=-1, dtype=np.float64).ravel() < 0.5 for part in background])
        moving = moved >= MOVING * moved.max()
        measurable = bool(salient.max() > 0 and moved.max() > 0)
        rows.append(
            {
                "hit": bool(moving[salient.argmax()]) if measurable else None,
                "chance": moving.mean() if measurable else math.nan,
                "chance_in_face": moving[in_face].mean() if measurable and in_face.any() else math.nan,
                "spearman": _rank_correlation(salient, moved),
                "spearman_in_face": _rank_correlation(salient[in_face], moved[in_face]),
            }
        )
    columns = ["hit", "chance", "chance_in_face", "spearman", "spearman_in_face"]
    return pd.DataFrame(rows, columns=columns).astype({"hit": "boolean"} | dict.fromkeys(columns[1:], float))


def _rank_correlation(one: np.ndarray, other: np.ndarray) -> float:
    if len(one) < 2 or np.ptp(one) == 0 or np.ptp(other) == 0:
        return math.nan
    return float(spearmanr(one, other).statistic)


def motion_summary(measured: pd.DataFrame, n_resamples: int, seed: int) -> dict[str, Measured]:
    """`motion_measures` over clips: ``pointing_game`` with Wilson's interval and both chances, both correlations."""
    played = measured.dropna(subset=["hit"])
    hits = int(played["hit"].sum())
    low, high = wilson_interval(hits, len(played)) if len(played) else (None, None)
    game = {
        "hits": hits,
        "n": len(played),
        "value": hits / len(played) if len(played) else None,
        "low": low,
        "high": high,
        "chance": _plain(played["chance"].mean()),
        "chance_in_face": _plain(played["chance_in_face"].mean()),
    }
    return {
        "pointing_game": game,
        **{name: mean_interval(measured[name], n_resamples, seed) for name in ("spearman", "spearman_in_face")},
    }


# === What the sanity checks and the paper's question come to ===


def similarity_curve(rows: pd.DataFrame, n_resamples: int, seed: int) -> pd.DataFrame:
    """Similarity to the trained network's maps, mean over clips with interval, one row per step in order of appearance.

    Parameters
    ----------
    rows : DataFrame
        `clip`, `step`, `spearman`, `ssim`; several rows of one clip and step (draws of the random weights) are
        averaged first, so that the interval is one over clips.

    Returns
    -------
    DataFrame
        `step`, and `spearman`, `ssim` with `…_low` and `…_high`; `n` clips with a finite rank correlation.
    """
    table = []
    for step, of_step in rows.groupby("step", sort=False) if len(rows) else ():
        per_clip = of_step.groupby("clip")[["spearman", "ssim"]].mean()
        row = {"step": step}
        for name in per_clip:
            found = mean_interval(per_clip[name], n_resamples, seed)
            row |= {name: found["value"], f"{name}_low": found["low"], f"{name}_high": found["high"], "n": found["n"]}
        table.append(row)
    columns = [f"{name}{end}" for name in ("spearman", "ssim") for end in ("", "_low", "_high")]
    return pd.DataFrame(table, columns=["step", *columns, "n"]).astype(dict.fromkeys(columns, float))


def rest_of_face(table: pd.DataFrame) -> dict[str, float | None]:
    """``area``, and ``share``, ``ratio``, ``gain`` and ``random`` of the rest of the face with their limits.

    From `share_table`, as JSON can hold it: None where there is no interval.
    """
    row = table.loc["rest of the face"]
    if pd.isna(row["share_low"]):
        row = row * math.nan
    names = [f"{name}{end}" for name in ("share", "ratio", "gain", "random") for end in ("", "_low", "_high")]
    return {name: _plain(row[name]) for name in ("area", *names)}


def plain_records(table: pd.DataFrame) -> list[dict]:
    """The rows of a table as JSON can hold them: a missing number is None."""
    return [{name: _plain(value) for name, value in row.items()} for row in table.to_dict("records")]


def _plain(value: object) -> object:
    if value is None or value is pd.NA:
        return None
    if isinstance(value, (float, np.floating, np.ndarray)):
        return float(value) if np.isfinite(value) else None
    return value.item() if isinstance(value, np.generic) else value
