"""Which runs each chapter stands on, and what became of them.

A chapter, the build graph and the command line ask the same function for the same list, so that what is trained ahead
is what the chapter looks for. `collect` turns a list of configurations into outcomes: a record, a failure or nothing
yet, and never fewer of them than were planned.
"""

import dataclasses
import itertools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from lib.baselines import METHODS
from lib.core.catalogue import PAPER_NETWORKS
from lib.core.checks import one_of
from lib.core.errors import ConfigError, DivergedError
from lib.training.config import BaselineConfig
from lib.training.protocols import CONTROLS, PROTOCOLS, SHORTCUTS, require_people
from lib.training.records import RunConfig, RunRecord, find_failure, find_run

STCNN, FUSENET, FUSENET_LATE = PAPER_NETWORKS
# Table IX: 3, 5 and 7 pixels, 3, 7, 15 and 19 frames.
PAPER_KERNELS = tuple((side, side, depth) for side, depth in itertools.product((3, 5, 7), (3, 7, 15, 19)))
# Columns that `table` has even where no run is finished; finished runs bring the others of `records.summarise`.
SCORES = (
    "run", "n", "majority_share", "accuracy_best", "accuracy_last", "uf1_best", "uf1_last",
    "accuracy_mean_last_epochs", "accuracy_std_last_epochs", "wall_seconds", "device",
)  # fmt: skip
# Departures from the clean baseline that only a network of two streams can make.
FUSENET_SHORTCUTS = ("mispaired_streams", "mouth_for_eyes")


@dataclass(frozen=True)
class Outcome:
    """What became of one planned run.

    Attributes
    ----------
    config : RunConfig or BaselineConfig
    status : str
        ``"finished"``, ``"failed"`` (its loss was not finite) or ``"missing"`` (not trained yet).
    record : RunRecord or None
        Of a finished run.
    reason : str
        Why a run failed; empty otherwise.
    """

    config: RunConfig | BaselineConfig
    status: str
    record: RunRecord | None = None
    reason: str = ""


def collect(
    configs: Iterable[RunConfig | BaselineConfig],
    store,
    runs_dir: Path,
    train_missing: bool = True,
    progress: str | None = None,
) -> list[Outcome]:
    """The outcome of each configuration, in order, with parameters as of `lib.training.run.train`.

    Runs without a record are trained on the spot, or left as "missing" if `train_missing` is False.

    Raises
    ------
    TrainingError
        If the clips cannot be divided as a run's protocol asks.
    """
    outcomes = []
    for config in configs:
        require_people(PROTOCOLS[config.protocol], store.clips)
        record = find_run(config, store, runs_dir)
        reason = None if record else find_failure(config, store, runs_dir)
        if record is None and reason is None and train_missing:
            try:
                record = _made(config, store, runs_dir, progress)
            except DivergedError:
                reason = find_failure(config, store, runs_dir)
        status = "finished" if record else "failed" if reason else "missing"
        outcomes.append(Outcome(config, status, record, reason or ""))
    return outcomes


def _made(config: RunConfig | BaselineConfig, store, runs_dir: Path, progress: str | None) -> RunRecord:
    # Keras takes seconds to import, and is not needed to find records.
    if isinstance(config, BaselineConfig):
        from lib.training.baselines import evaluate

        return evaluate(config, store, runs_dir, progress)
    from lib.training.run import train

    return train(config, store, runs_dir, progress)


def table(outcomes: Sequence[Outcome]) -> pd.DataFrame:
    """One row per planned run: the fields of its config, ``status``, ``reason``, ``run`` (id) and its scores.

    Scores (the names of `lib.training.records.summarise`), ``wall_seconds`` and ``device`` are missing where a run is
    not finished.
    """
    rows = []
    for outcome in outcomes:
        row = {**dataclasses.asdict(outcome.config), "status": outcome.status, "reason": outcome.reason}
        if outcome.record is not None:
            row |= {"run": outcome.record.id, **outcome.record.summary()}
            row |= {name: outcome.record.provenance[name] for name in ("wall_seconds", "device")}
        rows.append(row)
    known = [*(field.name for field in dataclasses.fields(RunConfig)), "status", "reason", *SCORES]
    return pd.DataFrame(rows, columns=list(dict.fromkeys([*known, *(name for row in rows for name in row)])))


def records(outcomes: Sequence[Outcome]) -> list[RunRecord]:
    """The records of the finished runs."""
    return [outcome.record for outcome in outcomes if outcome.record is not None]


def diverged(outcomes: Sequence[Outcome]) -> dict[str, list[int]]:
    """The seeds of the runs that failed, by network and control, ``"micro_exp_stcnn/none"``; none where all is well."""
    seeds: dict[str, list[int]] = {}
    for outcome in outcomes:
        if outcome.status == "failed":
            seeds.setdefault(f"{outcome.config.model}/{outcome.config.control}", []).append(outcome.config.seed)
    return seeds


# === The runs of each chapter ===


def with_seeds(configs: Iterable[RunConfig], seeds: int) -> list[RunConfig]:
    """Each of the configurations with seeds 0, 1, …, as many as are asked for."""
    return [dataclasses.replace(config, seed=seed) for config in configs for seed in range(seeds)]


def one_run(model: str) -> Callable[..., list[RunConfig]]:
    """Chapters 3 to 5: one network, once, as the paper says."""

    def runs_of(
        protocol: str = "paper", epochs: int = 100, batch_size: int = 8, learning_rate: float = 0.01, seed: int = 0
    ) -> list[RunConfig]:
        return [
            RunConfig(model, protocol, epochs=epochs, batch_size=batch_size, learning_rate=learning_rate, seed=seed)
        ]

    return runs_of


def comparison_runs(
    epochs: int = 100,
    fusenet_epochs: int = 100,
    batch_size: int = 8,
    learning_rate: float = 0.01,
    fusenet_learning_rate: float = 0.01,
    seeds: int = 5,
    control_seeds: int = 3,
) -> list[RunConfig]:
    """Chapter 6: the paper's three networks with several seeds, and MicroExpSTCNN with each control."""
    stcnn = RunConfig(STCNN, epochs=epochs, batch_size=batch_size, learning_rate=learning_rate)
    fusenet = RunConfig(FUSENET, epochs=fusenet_epochs, batch_size=batch_size, learning_rate=fusenet_learning_rate)
    networks = [stcnn, fusenet, dataclasses.replace(fusenet, model=FUSENET_LATE)]
    controls = [dataclasses.replace(stcnn, control=control) for control in CONTROLS if control != "none"]
    return with_seeds(networks, seeds) + with_seeds(controls, control_seeds)


def kernel_runs(
    kernels: str = "",
    learning_rates: str = "0.01 0.001",
    epochs: int = 100,
    batch_size: int = 8,
    seeds: int = 3,
    control_seeds: int = 3,
) -> list[RunConfig]:
    """Chapter 7: MicroExpSTCNN with each kernel, learning rate and seed; kernels are empty for the paper's twelve.

    After them, for each learning rate, the paper's kernel on clips that repeat their first frame.
    """
    rates = [
        RunConfig(STCNN, epochs=epochs, batch_size=batch_size, learning_rate=learning_rate)
        for learning_rate in parse_numbers(learning_rates)
    ]
    configs = [dataclasses.replace(rate, kernel_size=kernel) for rate in rates for kernel in parse_kernels(kernels)]
    still = [dataclasses.replace(rate, control="first_frame") for rate in rates]
    return with_seeds(configs, seeds) + with_seeds(still, control_seeds)


def saliency_runs(
    model: str = STCNN, epochs: int = 100, batch_size: int = 8, learning_rate: float = 0.01, seed: int = 0
) -> list[RunConfig]:
    """Chapter 8: a network, and the same network trained on permuted labels."""
    config = RunConfig(model, epochs=epochs, batch_size=batch_size, learning_rate=learning_rate, seed=seed)
    return [config, dataclasses.replace(config, control="permuted_labels")]


def shortcut_runs(
    epochs: int = 100,
    fusenet_epochs: int = 100,
    batch_size: int = 8,
    learning_rate: float = 0.01,
    fusenet_learning_rate: float = 0.01,
    seeds: int = 5,
    fusenet_seeds: int = 5,
) -> list[RunConfig]:
    """Chapter 10: the clean baseline and one departure from it at a time, and the baseline with batches of 16.

    Departures of two streams are measured on the intermediate MicroExpFuseNet against its own baseline.
    """
    stcnn = RunConfig(STCNN, "clean", epochs=epochs, batch_size=batch_size, learning_rate=learning_rate)
    fusenet = RunConfig(
        FUSENET, "clean", epochs=fusenet_epochs, batch_size=batch_size, learning_rate=fusenet_learning_rate
    )
    one_stream = [name for name in SHORTCUTS if name not in FUSENET_SHORTCUTS]
    variants = [
        stcnn,
        *(dataclasses.replace(stcnn, protocol=name) for name in one_stream),
        dataclasses.replace(stcnn, batch_size=2 * batch_size),
    ]
    two_streams = [fusenet, *(dataclasses.replace(fusenet, protocol=name) for name in FUSENET_SHORTCUTS)]
    return with_seeds(variants, seeds) + with_seeds(two_streams, fusenet_seeds)


def rigorous_runs(
    model: str = STCNN,
    epochs: int = 100,
    batch_size: int = 8,
    learning_rate: float = 0.01,
    seeds: int = 5,
    permuted_seeds: int = 0,
) -> list[RunConfig]:
    """Chapter 11: leave one subject out, with several seeds, and as often with permuted labels as is asked for."""
    config = RunConfig(model, "loso", epochs=epochs, batch_size=batch_size, learning_rate=learning_rate)
    permuted = dataclasses.replace(config, control="permuted_labels")
    return with_seeds([config], seeds) + with_seeds([permuted], permuted_seeds)


def baseline_runs(
    epochs: int = 100,
    batch_size: int = 8,
    learning_rate: float = 0.01,
    seeds: int = 5,
    loso_seeds: int = 1,
    methods: str = "",
    method_seeds: int = 3,
) -> list[RunConfig | BaselineConfig]:
    """Chapter 12: MicroExpSTCNN and the other methods of Table V, on the paper's split and with one person left out.

    Methods that draw nothing have one seed, and all of them have one where people are left out.
    """
    stcnn = RunConfig(STCNN, epochs=epochs, batch_size=batch_size, learning_rate=learning_rate)
    networks = with_seeds([stcnn], seeds) + with_seeds([dataclasses.replace(stcnn, protocol="loso")], loso_seeds)
    chosen = [one_of("methods", method, METHODS) for method in methods.split()] or list(METHODS)
    drawn = [
        BaselineConfig(method, "paper", seed)
        for method in chosen
        for seed in range(method_seeds if METHODS[method].draws else 1)
    ]
    return networks + drawn + [BaselineConfig(method, "loso") for method in chosen]


def region_runs(
    epochs: int = 100,
    fusenet_epochs: int = 100,
    batch_size: int = 8,
    learning_rate: float = 0.01,
    fusenet_learning_rate: float = 0.01,
    seeds: int = 3,
) -> list[RunConfig]:
    """Chapter 14: MicroExpSTCNN on the whole frame, which its views are compared with, and a network of two crops."""
    stcnn = RunConfig(STCNN, "clean", epochs=epochs, batch_size=batch_size, learning_rate=learning_rate)
    fusenet = RunConfig(
        FUSENET, "clean", epochs=fusenet_epochs, batch_size=batch_size, learning_rate=fusenet_learning_rate
    )
    return with_seeds([stcnn, fusenet], seeds)


def parse_kernels(text: str) -> tuple[tuple[int, int, int], ...]:
    """Kernels from one line of text; an empty one stands for the twelve of Table IX.

    >>> parse_kernels("3x3x15 5x5x7")
    ((3, 3, 15), (5, 5, 7))
    >>> len(parse_kernels(""))
    12
    """
    if not text.strip():
        return PAPER_KERNELS
    kernels = []
    for item in text.split():
        sizes = item.split("x")
        if len(sizes) != 3 or not all(size.isdigit() and int(size) for size in sizes):
            raise ConfigError(f"kernels: expected height x width x depth, as in '3x3x15 5x5x7', found {item!r}")
        kernels.append(tuple(map(int, sizes)))
    return tuple(kernels)


def parse_numbers(text: str) -> tuple[float, ...]:
    """Numbers from one line of text.

    >>> parse_numbers("0.01 0.001")
    (0.01, 0.001)
    """
    try:
        return tuple(float(item) for item in text.split())
    except ValueError as error:
        raise ConfigError(f"expected numbers separated by spaces, as in '0.01 0.001', found {text!r}") from error
