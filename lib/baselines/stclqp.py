"""STCLQP-style: codebooks of completed local patterns (sign, magnitude, orientation) on three planes, and a machine.

The idea is that of Huang et al., "Spontaneous facial micro-expression analysis using Spatiotemporal Completed Local
Quantized Patterns", Neurocomputing 175 (2016): three kinds of binary pattern on each plane, quantised by codebooks
that are learned for each of them, of which the words that tell classes apart are kept. Chosen here: eight neighbours
on the pixel grid at a distance of 2, 10 frames, 5x5 blocks, 32 words of which 16 are kept, and LBP-TOP's machine.
"""

from dataclasses import dataclass

import numpy as np
from sklearn.cluster import KMeans
from sklearn.feature_selection import f_classif

from lib.baselines.patterns import PLANES, block_histograms, circle, interpolated, moved
from lib.baselines.svm import FittedSVM, fit_svm

COMPONENTS = ("sign", "magnitude", "orientation")
POINTS = 8
N_CODES = 2**POINTS
BITS = (np.arange(N_CODES)[:, None] >> np.arange(POINTS)) & 1  # (256, 8): each code as a vector


@dataclass(frozen=True)
class Settings:
    """What the source leaves open, or leaves to the reader of its figures.

    Attributes
    ----------
    radius : int
        Pixels, or frames, to the neighbours on a plane.
    blocks, depth : int
        As of `lib.baselines.lbp_top.Settings`.
    words, kept : int
        Words of each codebook, and how many of them enter the histograms: those with the largest ratio of variance
        between classes to variance within (Fisher's criterion) over the training clips.
    kernel, cost
        Of the machine.
    """

    radius: int = 2
    blocks: int = 5
    depth: int = 10
    words: int = 32
    kept: int = 16
    kernel: str = "linear"
    cost: float = 10_000.0


def completed_codes(volume: np.ndarray, radius: int) -> dict[tuple[str, str], np.ndarray]:
    """The three binary patterns of every pixel that has all its neighbours, on each plane.

    Bit p is 1 where neighbour p: is at least as bright as the pixel (sign); differs from it by at least as much as
    neighbours do on average over the clip and the plane (magnitude); has a gradient on the plane within a right angle
    of the pixel's own (orientation).

    Parameters
    ----------
    volume : (depth, height, width) int

    Returns
    -------
    dict of (plane, component) -> (depth, height, width) less twice the radius, int
    """
    border = (radius,) * 3
    codes = {}
    slopes = np.gradient(volume.astype(np.float32))
    for plane, axes in PLANES.items():
        steps = [dict(zip(axes, map(round, offset), strict=True)) for offset in circle(POINTS, radius, radius)]
        centre = moved(volume, {}, border)
        difference = np.stack([moved(volume, step, border) - centre for step in steps])
        size = np.abs(difference)
        turned = [
            sum(moved(slopes[axis], step, border) * moved(slopes[axis], {}, border) for axis in axes) >= 0
            for step in steps
        ]
        bits = {"sign": difference >= 0, "magnitude": size >= size.mean(), "orientation": np.stack(turned)}
        for component in COMPONENTS:
            codes[plane, component] = np.tensordot(1 << np.arange(POINTS), bits[component], axes=1)
    return codes


def features(volume: np.ndarray, settings: Settings) -> np.ndarray:
    """How often each code stands in each block, before any codebook: what a clip tells by itself.

    Parameters
    ----------
    volume : (depth, height, width) uint8

    Returns
    -------
    (9 planes and components, blocks * blocks, 256) uint16
    """
    codes = completed_codes(interpolated(volume, settings.depth), settings.radius)
    return np.stack([block_histograms(code, N_CODES, settings.blocks) for code in codes.values()]).astype(np.uint16)


@dataclass(frozen=True)
class FittedCodebooks:
    """Codebooks and a machine that were learned on some clips.

    Attributes
    ----------
    words : (9, 256) int array
        The word of each code, for each plane and component.
    kept : (9, kept) int array
        The words that enter the histograms.
    machine : FittedSVM
    """

    words: np.ndarray
    kept: np.ndarray
    machine: FittedSVM

    @property
    def n_parameters(self) -> int:
        """The machine's numbers, and the word of each code."""
        return self.words.size + self.machine.n_parameters

    def predict(self, features: np.ndarray) -> np.ndarray:
        """(n, 9, blocks, 256) counts -> (n, n_classes) votes."""
        return self.machine.predict(word_histograms(features, self.words, self.kept))


def fit(features: np.ndarray, labels: np.ndarray, n_classes: int, settings: Settings, seed: int) -> FittedCodebooks:
    """Learn codebooks, their choice of words, and the machine, all from these clips: (n, 9, blocks, 256) counts."""
    words, kept = [], []
    for counts in features.sum(axis=2, dtype=np.int64).transpose(1, 0, 2):  # (n, 256) of each plane and component
        total = counts.sum(axis=0)
        used = total > 0
        n_words = min(settings.words, int(used.sum()))
        clusters = KMeans(n_words, n_init=4, random_state=seed).fit(BITS[used], sample_weight=total[used])
        own = clusters.predict(BITS.astype(float))
        frequency = counts @ np.eye(settings.words)[own]  # (n, words)
        with np.errstate(divide="ignore", invalid="ignore"):  # a word that never varies tells nothing
            told = np.nan_to_num(f_classif(frequency, labels)[0], nan=0.0, posinf=0.0)
        words.append(own)
        kept.append(np.sort(np.argsort(-told, kind="stable")[: settings.kept]))
    words, kept = np.stack(words), np.stack(kept)
    histograms = word_histograms(features, words, kept)
    return FittedCodebooks(words, kept, fit_svm(histograms, labels, n_classes, settings.kernel, settings.cost))


def word_histograms(features: np.ndarray, words: np.ndarray, kept: np.ndarray) -> np.ndarray:
    """Shares of the kept words among all codes of a block: (n, 9 * blocks * kept) from (n, 9, blocks, 256) counts."""
    parts = []
    for number, (own, chosen) in enumerate(zip(words, kept, strict=True)):
        counts = features[:, number].astype(np.float32)
        chosen_codes = (own[:, None] == chosen).astype(np.float32)  # (256, kept)
        parts.append((counts @ chosen_codes) / counts.sum(axis=-1, keepdims=True))
    return np.stack(parts, axis=1).reshape(len(features), -1)
