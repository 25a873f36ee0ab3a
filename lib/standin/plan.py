"""What a stand-in holds before anything is rendered: which clips, whose, of which class, how long, with what motion.

A plan is a pure function of its arguments. The class of a clip decides its action units and nothing else: subjects,
lengths (beyond the few clips that must be short), starting numbers, timing, light and sway are drawn without it.
"""

from collections import Counter
from dataclasses import dataclass

import numpy as np

from lib.core.checks import one_of, whole_number
from lib.standin.expression import ACTION_UNITS, Event, draw_units

COUNTS = {
    "smic": {"negative": 70, "positive": 51, "surprise": 43},
    "casme2_sq": {"angry": 76, "happy": 94, "disgust": 36},
}
SUBJECTS = {
    "smic": (1, 2, 3, 4, 5, 6, 8, 9, 11, 12, 13, 14, 15, 18, 19, 20),
    "casme2_sq": (15, 16, *range(19, 28), *range(29, 39), 40),
}
FPS = {"smic": 100.0, "casme2_sq": 30.0}
PATHS = {"smic": "SMIC_all_raw/HS/s{subject}/micro/{label}/{name}", "casme2_sq": "{label}/{name}.avi"}
# Clips of fewer than 18 frames, as Table IV of the paper implies.
SMIC_SHORT = {"negative": 4, "positive": 4, "surprise": 0}
SMIC_CODES = {"negative": "ne", "positive": "po", "surprise": "sur"}
SMIC_TALKATIVE, SMIC_TALKATIVE_SHARE = 3, 40 / 164  # one subject gave a quarter of the clips
FILMS = {
    "angry": ("0401girlcrashing", "0402beatingpregnantwoman"),
    "happy": ("0502funnyerrors", "0505funnyinnovations", "0507climbingthewall"),
    "disgust": ("0101disgustingteeth", "0102eatingworms"),
}
WINDOW = {"smic": (0, 18), "casme2_sq": (72, 168)}
"""Frame positions [first, end) that the authors' networks read; the first of them is always neutral."""


@dataclass(frozen=True)
class ClipPlan:
    """One clip to render."""

    index: int  # seeds the clip's own randomness together with the stand-in's seed
    dataset: str  # which room it is recorded in: a key of `lib.standin.scene.ROOMS`
    clip_id: str
    subject: str
    label: str
    path: str  # folder of frames or video file, relative to the stand-in's root
    n_frames: int
    fps: float
    first_number: int  # number in the name of the first frame (SMIC), as cut from a longer recording
    units: dict[str, float]  # action units and their strengths
    sides: dict[str, tuple[float, float]]  # strength of each unit on the image's left and right half
    events: tuple[Event, ...]
    blinks_ms: tuple[float, ...]  # when the lids begin to fall

    @property
    def times_ms(self) -> np.ndarray:
        return np.arange(self.n_frames) * 1000.0 / self.fps


def plan_standin(dataset: str, clips: int | None = None, seed: int = 0) -> tuple[ClipPlan, ...]:
    """All clips of a stand-in for a dataset of `COUNTS`, in the order of their classes.

    `clips` says how many, None as many as the real dataset has. Class shares are kept as nearly as whole clips allow,
    with at least two of each class. Raises ConfigError for an unknown dataset, and for a number that is too small or
    larger than the real dataset's.
    """
    counts = class_counts(COUNTS[one_of("dataset", dataset, COUNTS)], clips)
    rng = np.random.default_rng((seed, 0, list(COUNTS).index(dataset)))
    labels = [label for label, n in counts.items() for _ in range(n)]
    subjects = _share_out(len(labels), dataset, rng)
    lengths = _smic_lengths(counts, rng) if dataset == "smic" else []
    plans, numbers = [], Counter()
    for index, (label, subject) in enumerate(zip(labels, subjects, strict=True)):
        own = np.random.default_rng((seed, 1, index))
        draw = np.random.default_rng((seed, 2, index))  # nothing drawn from here may depend on the class
        stem = f"s{subject}_{SMIC_CODES[label]}" if dataset == "smic" else f"{subject}_{own.choice(FILMS[label])}"
        numbers[stem] += 1
        name = f"{stem}_{numbers[stem]:02d}"
        units = draw_units(own, label)
        course = _smic_course(draw, units, lengths[index]) if dataset == "smic" else _casme2_sq_course(draw, units)
        plans.append(
            ClipPlan(
                index=index,
                dataset=dataset,
                clip_id=name,
                subject=f"s{subject}",
                label=label,
                path=PATHS[dataset].format(subject=subject, label=label, name=name),
                fps=FPS[dataset],
                units=units,
                **course,
            )
        )
    return tuple(plans)


def class_counts(full: dict[str, int], clips: int | None) -> dict[str, int]:
    """Clips per class for a total of `clips`: largest remainders, but at least two of each class.

    >>> class_counts({"angry": 76, "happy": 94, "disgust": 36}, 12)
    {'angry': 4, 'happy': 6, 'disgust': 2}
    """
    total = sum(full.values())
    if clips is None:
        return dict(full)
    clips = whole_number("clips", clips, 2 * len(full), total + 1)
    counts = dict.fromkeys(full, 2)
    for _ in range(clips - sum(counts.values())):
        neediest = max(full, key=lambda name: full[name] * clips / total - counts[name])
        counts[neediest] += 1
    return counts


def _smic_lengths(counts: dict[str, int], rng: np.random.Generator) -> list[int]:
    lengths = []
    for label, n in counts.items():
        n_short = round(SMIC_SHORT[label] * n / COUNTS["smic"][label])
        short = np.zeros(n, bool)
        short[rng.permutation(n)[:n_short]] = True
        long_lengths = np.round(19 + 39 * rng.beta(1.1, 2.2, n)).astype(int)
        lengths += np.where(short, rng.integers(11, 18, n), long_lengths).tolist()
    return lengths


def _smic_course(draw: np.random.Generator, units: dict[str, float], n_frames: int) -> dict:
    """One micro-expression that begins with the clip, seldom a blink."""
    onset, rise = draw.uniform(10, 40), draw.uniform(80, 150)
    end = (n_frames - 1) * 10.0
    apex = min(onset + rise, 0.8 * end)
    release = max(apex, draw.uniform(0.55, 0.9) * end)
    event = Event(onset, apex, release, max(end + draw.uniform(-30, 150), release + 60), draw.uniform(0.7, 1.1))
    blinks = (float(draw.uniform(0, end)),) if draw.random() < 0.06 else ()
    first_number = int(draw.integers(1_000, 120_000))
    sides = asymmetry(draw, units)
    return {"n_frames": n_frames, "events": (event,), "blinks_ms": blinks, "first_number": first_number, "sides": sides}


def _casme2_sq_course(draw: np.random.Generator, units: dict[str, float]) -> dict:
    """Several expressions and a blink every four seconds."""
    n_frames = int(draw.integers(168, 186))
    sides, events = asymmetry(draw, units), _recurring_events(draw)
    duration = n_frames * 1000 / FPS["casme2_sq"]
    blinks = draw_blinks(draw, duration, duration / 4000)
    return {"n_frames": n_frames, "events": events, "blinks_ms": blinks, "first_number": 1, "sides": sides}


def _recurring_events(draw: np.random.Generator) -> tuple[Event, ...]:
    """Three or four expressions within the 96 frames that are read: micro (9-17 frames) and longer macro ones."""
    start, end = (1000 * edge / FPS["casme2_sq"] for edge in WINDOW["casme2_sq"])
    lengths = [draw.uniform(300, 566), draw.uniform(300, 566), draw.uniform(900, 1200)]
    if draw.random() < 0.5:
        lengths.append(draw.uniform(400, 600))
    lengths = draw.permutation(lengths)
    free = end - start - 100 - sum(lengths)
    gaps = draw.dirichlet(np.full(len(lengths) + 1, 2.0)) * free
    events, now = [], start + 60
    for gap, length in zip(gaps, lengths, strict=False):
        onset = now + gap
        apex = onset + length * draw.uniform(0.25, 0.4)
        events.append(Event(onset, apex, apex + 0.3 * length, onset + length, draw.uniform(0.9, 1.3)))
        now = onset + length
    return tuple(events)


def asymmetry(draw: np.random.Generator, units: dict) -> dict:
    """Left and right strength of each unit, drawn for all units alike so that the stream does not know the class."""
    lean = {unit: float(np.clip(draw.normal(0, 0.12), -0.35, 0.35)) for unit in ACTION_UNITS}
    return {unit: (1 + lean[unit], 1 - lean[unit]) for unit in units}


def draw_blinks(draw: np.random.Generator, duration_ms: float, expected: float) -> tuple[float, ...]:
    """When blinks begin: `expected` of them on average, anywhere in the clip."""
    return tuple(sorted(draw.uniform(0, duration_ms, draw.poisson(expected)).tolist()))


def _share_out(n: int, dataset: str, rng: np.random.Generator) -> list[int]:
    """A subject for each of n clips, in random order: everybody once, the rest at random; in SMIC one has a share."""
    pool, chosen = list(SUBJECTS[dataset]), []
    if dataset == "smic" and n >= len(pool):
        pool.remove(SMIC_TALKATIVE)
        chosen = [SMIC_TALKATIVE] * round(SMIC_TALKATIVE_SHARE * n)
    chosen += rng.permutation(pool)[: n - len(chosen)].tolist()
    chosen += rng.choice(pool, n - len(chosen)).tolist()
    return rng.permutation(chosen).tolist()
