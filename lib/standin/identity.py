"""Who a rendered person is: the proportions, colours and styles that a subject keeps from clip to clip.

Everything is measured in half interpupillary distances ("head units"): origin midway between the pupils, u to the
image's right, v down, z towards the camera. The paint itself is in `face`.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.interpolate import PchipInterpolator

from lib.core import paths

DATA = paths.REPOSITORY / "data" / "standin"
_HALF = pd.read_csv(DATA / "mean_face.csv")
"""The image's left half of a neutral face, in the 68-point order of iBUG 300-W; a point's partner is on the right."""
MIRROR = np.empty(68, int)
MIRROR[_HALF["point"]], MIRROR[_HALF["partner"]] = _HALF["partner"], _HALF["point"]
LIP_GAP = 0.03  # height between the inner lips' points of a closed mouth
SEAM = 2.36  # v where the lips meet in the middle

SKIN_TONES = np.float32(
    [(247, 218, 200), (238, 201, 176), (226, 184, 154), (208, 160, 126), (180, 130, 96), (142, 97, 70), (106, 71, 53)]
)
HAIR_COLOURS = np.float32(
    [(24, 20, 19), (38, 28, 24), (62, 42, 30), (92, 63, 42), (128, 92, 58), (178, 142, 92), (118, 58, 34)]
)
GREY_HAIR = np.float32((168, 165, 162))
IRIS_COLOURS = np.float32([(52, 33, 22), (72, 45, 27), (98, 70, 42), (92, 104, 76), (92, 118, 138), (112, 126, 132)])
SHORT_STYLES = ("buzz", "short", "swept", "receding", "bald", "curly")
LONG_STYLES = ("bob", "fringe", "long", "tied", "bun", "curly", "scarf")


@dataclass(frozen=True)
class Identity:
    """One person. Colours are float32 sRGB (3,), 0-255; lengths are in head units."""

    landmarks: np.ndarray  # (68, 2) float64, neutral positions (u, v) in the iBUG order
    crown: float  # v of the top of the skull (negative)
    age: float  # 0 (young) to 1 (old): depth of folds, bags under the eyes, grey in the hair
    skin: np.ndarray
    lips: np.ndarray
    hair: np.ndarray
    iris: np.ndarray
    cloth: np.ndarray
    hair_style: str  # one of `SHORT_STYLES` or `LONG_STYLES`
    hair_volume: float  # how far the hair stands off the skull
    hairline: float  # v where the hair begins above the forehead
    part: float  # u of the parting
    nose_width: float  # factors of the relief, about 1
    nose_height: float
    cheekbones: float
    brow_ridge: float
    brow_thickness: float
    brow_density: float  # 0.6 to 1
    stubble: float  # 0 (none) to 1 (a short beard)
    freckles: float  # 0 to 1
    glasses: str | None  # "round", "square" or None
    neckline: str  # "crew", "v" or "collar"
    texture_seed: int  # of skin texture, moles and single hairs: painting a person twice gives the same person


def mean_landmarks() -> np.ndarray:
    """The symmetric neutral face before anybody's own proportions: (68, 2) in head units, iBUG order."""
    half = _HALF[["u", "v"]].to_numpy()
    points = np.empty((68, 2))
    points[_HALF["partner"]] = half * (-1, 1)
    points[_HALF["point"]] = half
    points[61:64, 1] -= LIP_GAP / 2
    points[65:68, 1] += LIP_GAP / 2
    return points


def draw_identity(rng: np.random.Generator) -> Identity:
    """A person at random; two draws from equally seeded generators are the same person."""
    feminine = rng.random() < 0.5
    age = float(rng.beta(1.3, 2.2))
    tone = rng.uniform(0, len(SKIN_TONES) - 1.2)
    skin = _between(SKIN_TONES, tone) * rng.uniform(0.97, 1.03, 3)
    darkness = tone / (len(SKIN_TONES) - 1)
    hair = _between(HAIR_COLOURS[:6], rng.uniform(0, 5.0) * (1 - 0.85 * darkness) * rng.uniform(0.3, 1.0))
    if darkness < 0.3 and rng.random() < 0.15:
        hair = HAIR_COLOURS[6]
    hair = hair + (GREY_HAIR - hair) * np.clip((age - 0.45) * 1.7 * rng.random(), 0, 0.85)
    iris = IRIS_COLOURS[int(rng.integers(0, 6 if darkness < 0.35 else 2))]
    rosy = np.array((0.90, 0.62, 0.63)) if feminine else np.array((0.88, 0.70, 0.69))
    lips = skin * (rosy + rng.normal(0, 0.03, 3)) * (1 - 0.1 * darkness)
    styles = LONG_STYLES if feminine else SHORT_STYLES
    weights = np.ones(len(styles))
    if not feminine:
        weights[[3, 4]] = 0.25 + 1.6 * age
    style = str(rng.choice(styles, p=weights / weights.sum()))
    volume = {"buzz": 0.08, "bald": 0.0, "receding": 0.12, "tied": 0.16, "bun": 0.16, "scarf": 0.3}.get(style, 0.34)
    return Identity(
        landmarks=_own_proportions(rng, feminine),
        crown=float(-3.05 + rng.normal(0, 0.12)),
        age=age,
        skin=skin.astype(np.float32),
        lips=lips.astype(np.float32),
        hair=hair.astype(np.float32),
        iris=iris,
        cloth=np.clip(rng.uniform(25, 215) + rng.normal(0, 35, 3), 12, 235).astype(np.float32),
        hair_style=style,
        hair_volume=volume * rng.uniform(0.75, 1.35) * (1.9 if style == "curly" else 1.0),
        hairline=float(-1.85 + rng.normal(0, 0.14)),
        part=float(rng.choice((-1, 1)) * rng.uniform(0.0, 1.0)),
        nose_width=float(rng.uniform(0.85, 1.2) + 0.12 * darkness),
        nose_height=float(rng.uniform(0.8, 1.2)),
        cheekbones=float(rng.uniform(0.5, 1.4)),
        brow_ridge=float(rng.uniform(0.3, 0.8) if feminine else rng.uniform(0.7, 1.4)),
        brow_thickness=float(rng.uniform(0.07, 0.11) if feminine else rng.uniform(0.10, 0.16)),
        brow_density=float(rng.uniform(0.6, 1.0)),
        stubble=0.0 if feminine else float(max(0.0, rng.uniform(-0.5, 0.9))),
        freckles=float(max(0.0, rng.uniform(-1.5, 1.0)) * (1 - darkness)),
        glasses=str(rng.choice(("round", "square"))) if rng.random() < 0.18 else None,
        neckline=str(rng.choice(("crew", "v", "collar"))),
        texture_seed=int(rng.integers(2**31)),
    )


def head_half_width(identity: Identity) -> PchipInterpolator:
    """Squared half width of the head's outline as a function of v, from the crown to the chin's tip.

    The square is interpolated because it is nearly linear where an outline closes, which a width is not.
    """
    jaw = identity.landmarks[8:17]
    temple = jaw[-1, 0]
    levels = [identity.crown, identity.crown + 0.25, identity.crown + 0.8, -1.3, -0.5]
    widths = [0.0, 0.47 * temple, 0.75 * temple, 0.96 * temple, 1.0 * temple]
    order = np.argsort(jaw[:, 1])
    levels, widths = [*levels, *jaw[order, 1]], [*widths, *jaw[order, 0]]
    return PchipInterpolator(levels, np.square(widths), extrapolate=False)


def _between(table: np.ndarray, position: float) -> np.ndarray:
    low = min(int(position), len(table) - 2)
    return table[low] + (table[low + 1] - table[low]) * (position - low)


def _own_proportions(rng: np.random.Generator, feminine: bool) -> np.ndarray:
    points = mean_landmarks()
    jaw, brows, nose, mouth = slice(0, 17), slice(17, 27), slice(27, 36), slice(48, 68)
    # jaw: overall width, a taper towards the chin and the chin's length
    below = np.clip((points[jaw, 1] - 0.2) / 3.6, 0, 1)
    taper = rng.normal(-0.05 if feminine else 0.03, 0.05)
    points[jaw, 0] *= rng.uniform(0.93, 1.06) * (1 + taper * below)
    points[jaw, 1] += below**2 * rng.normal(-0.08 if feminine else 0.04, 0.12)
    # eyes: aperture, width and tilt about each pupil
    aperture, width, tilt = rng.uniform(0.85, 1.2), rng.uniform(0.95, 1.06), rng.normal(0.0, 0.05)
    for side, eye in ((-1, slice(36, 42)), (1, slice(42, 48))):
        points[eye, 0] = side + (points[eye, 0] - side) * width
        points[eye, 1] = points[eye, 1] * aperture - tilt * side * (points[eye, 0] - side)
    # brows: height and arch
    points[brows, 1] += rng.normal(-0.05 if feminine else 0.02, 0.05)
    points[[19, 24], 1] -= rng.normal(0.02, 0.03)
    # nose and mouth: lengths, widths, lips
    length = rng.normal(1.0, 0.05)
    points[nose, 1] = -0.11 + (points[nose, 1] + 0.11) * length
    points[31:36, 0] *= rng.uniform(0.88, 1.15)
    points[mouth, 0] *= rng.uniform(0.9, 1.1)
    points[48:60, 1] = SEAM + (points[48:60, 1] - SEAM) * rng.uniform(0.8, 1.25)
    points[[48, 54, 60, 64], 1] = SEAM + rng.normal(0.01, 0.03)
    points[mouth, 1] += rng.normal(0, 0.06) + 0.9 * (length - 1)
    points[:, :] += rng.normal(0, 0.006, points.shape)  # nobody is quite symmetric
    return points
