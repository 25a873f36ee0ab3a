"""What a stand-in holds before anything is rendered: which clips, whose, of which class, how long, with what motion.

A plan is a pure function of its arguments. The class of a clip decides its action units and nothing else: subjects,
lengths (beyond the few clips that must be short), starting numbers, timing, light and sway are drawn without it.
"""

from dataclasses import dataclass

import numpy as np

from lib.core.checks import one_of, whole_number
from lib.standin.expression import ACTION_UNITS, Event, draw_units

SMIC_CLASSES = ("negative", "positive", "surprise")
CASME2_SQ_CLASSES = ("angry", "happy", "disgust")
COUNTS = {
    "smic": dict(zip(SMIC_CLASSES, (70, 51, 43), strict=True)),
    "casme2_sq": dict(zip(CASME2_SQ_CLASSES, (76, 94, 36), strict=True)),
}
# Clips of fewer than 18 frames, as Table IV of the paper implies.
SMIC_SHORT = {"negative": 4, "positive": 4, "surprise": 0}
SMIC_SUBJECTS = (1, 2, 3, 4, 5, 6, 8, 9, 11, 12, 13, 14, 15, 18, 19, 20)
SMIC_CODES = {"negative": "ne", "positive": "po", "surprise": "sur"}
SMIC_TALKATIVE, SMIC_TALKATIVE_SHARE = 3, 40 / 164  # one subject gave a quarter of SMIC's clips
CASME2_SQ_SUBJECTS = (15, 16, *range(19, 28), *range(29, 39), 40)
FILMS = {
    "angry": ("0401girlcrashing", "0402beatingpregnantwoman"),
    "happy": ("0502funnyerrors", "0505funnyinnovations", "0507climbingthewall"),
    "disgust": ("0101disgustingteeth", "0102eatingworms"),
}
FPS = {"smic": 100.0, "casme2_sq": 30.0}
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
    """All clips of a stand-in, in the order of their classes.

    Parameters
    ----------
    dataset : {"smic", "casme2_sq"}
    clips : int, optional
        How many; None for as many as the real dataset has. Class shares are kept as nearly as whole clips allow, with
        at least two of each class.
    seed : int

    Raises
    ------
    ConfigError
        The dataset is unknown, or `clips` is too small or larger than the real dataset.
    """
    counts = class_counts(COUNTS[one_of("dataset", dataset, COUNTS)], clips)
    rng = np.random.default_rng((seed, 0, list(COUNTS).index(dataset)))
    return (_plan_smic if dataset == "smic" else _plan_casme2_sq)(counts, rng, seed)


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


def _plan_smic(counts: dict[str, int], rng: np.random.Generator, seed: int) -> tuple[ClipPlan, ...]:
    labels = [label for label, n in counts.items() for _ in range(n)]
    subjects = _share_out(len(labels), SMIC_SUBJECTS, rng, talkative=(SMIC_TALKATIVE, SMIC_TALKATIVE_SHARE))
    lengths = []
    for label, n in counts.items():
        n_short = round(SMIC_SHORT[label] * n / COUNTS["smic"][label])
        short = np.zeros(n, bool)
        short[rng.permutation(n)[:n_short]] = True
        long_lengths = np.round(19 + 39 * rng.beta(1.1, 2.2, n)).astype(int)
        lengths += np.where(short, rng.integers(11, 18, n), long_lengths).tolist()
    plans, numbers = [], {}
    for index, (label, subject, n_frames) in enumerate(zip(labels, subjects, lengths, strict=True)):
        number = numbers[subject, label] = numbers.get((subject, label), 0) + 1
        name = f"s{subject}_{SMIC_CODES[label]}_{number:02d}"
        own = np.random.default_rng((seed, 1, index))
        units = draw_units(own, label)
        draw = np.random.default_rng((seed, 2, index))  # nothing drawn from here may depend on the class
        onset, rise = draw.uniform(10, 40), draw.uniform(80, 150)
        end = (n_frames - 1) * 10.0
        apex = min(onset + rise, 0.8 * end)
        release = max(apex, draw.uniform(0.55, 0.9) * end)
        event = Event(onset, apex, release, max(end + draw.uniform(-30, 150), release + 60), draw.uniform(0.7, 1.1))
        blinks = (float(draw.uniform(0, end)),) if draw.random() < 0.06 else ()
        plans.append(
            ClipPlan(
                index=index,
                dataset="smic",
                clip_id=name,
                subject=f"s{subject}",
                label=label,
                path=f"SMIC_all_raw/HS/s{subject}/micro/{label}/{name}",
                n_frames=n_frames,
                fps=FPS["smic"],
                first_number=int(draw.integers(1_000, 120_000)),
                units=units,
                sides=asymmetry(draw, units),
                events=(event,),
                blinks_ms=blinks,
            )
        )
    return tuple(plans)


def _plan_casme2_sq(counts: dict[str, int], rng: np.random.Generator, seed: int) -> tuple[ClipPlan, ...]:
    labels = [label for label, n in counts.items() for _ in range(n)]
    subjects = _share_out(len(labels), CASME2_SQ_SUBJECTS, rng)
    plans, numbers = [], {}
    for index, (label, subject) in enumerate(zip(labels, subjects, strict=True)):
        own = np.random.default_rng((seed, 1, index))
        film = FILMS[label][int(own.integers(len(FILMS[label])))]
        units = draw_units(own, label)
        draw = np.random.default_rng((seed, 2, index))
        number = numbers[subject, film] = numbers.get((subject, film), 0) + 1
        name = f"{subject}_{film}_{number:02d}"
        n_frames = int(draw.integers(168, 186))
        duration = n_frames * 1000 / FPS["casme2_sq"]
        plans.append(
            ClipPlan(
                index=index,
                dataset="casme2_sq",
                clip_id=name,
                subject=f"s{subject}",
                label=label,
                path=f"{label}/{name}.avi",
                n_frames=n_frames,
                fps=FPS["casme2_sq"],
                first_number=1,
                units=units,
                sides=asymmetry(draw, units),
                events=_recurring_events(draw),
                blinks_ms=tuple(sorted(draw.uniform(0, duration, draw.poisson(duration / 4000)).tolist())),
            )
        )
    return tuple(plans)


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


def _share_out(n: int, subjects: tuple[int, ...], rng: np.random.Generator, talkative=None) -> list[int]:
    """A subject for each of n clips, in random order: all once, the rest at random; one may have a fixed share."""
    pool = list(subjects)
    chosen = []
    if talkative and n >= len(subjects):
        pool.remove(talkative[0])
        chosen = [talkative[0]] * round(talkative[1] * n)
    everybody = rng.permutation(pool)[: n - len(chosen)].tolist()
    chosen += everybody
    chosen += rng.choice(pool, n - len(chosen)).tolist()
    return [int(subject) for subject in rng.permutation(chosen)]
