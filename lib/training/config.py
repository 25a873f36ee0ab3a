"""What a run is asked to be, and what names its record: a `RunConfig` for a network, a `BaselineConfig` for a method.

Neither Keras nor a method is imported here: runs are planned, named and found in no time.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any, Self

from lib import baselines, networks
from lib.baselines import METHODS
from lib.core.checks import one_of, positive_number, whole_number
from lib.core.digest import definitions_digest, json_digest
from lib.core.errors import ConfigError
from lib.networks import NETWORKS, STREAMS
from lib.networks.startup import configured_backend
from lib.training.protocols import CONTROLS, PROTOCOLS

# The files whose code decides a run's numbers, beside those of its network (`lib.networks.source_files`).
DECIDING_FILES = (
    Path(networks.__file__).parent / "backend.py",
    *(Path(__file__).parent / name for name in ("fit.py", "inputs.py", "splits.py")),
)
# Fields of `RunConfig` and `Protocol` that came later, each with the value that stands for what was done before: where
# a run has that value the field is left out of its name, so that a new field renames no record.
ADDED_LATER: Mapping[str, Any] = {}
# What a protocol only says; a record holds the best epoch and the last.
SAID_ONLY = ("name", "description", "reported")
# The protocols under which methods are evaluated, and what counts of them: methods fit whatever they fit on training
# clips, and are read at the end.
METHOD_PROTOCOLS = ("paper", "loso", "clean")
SPLIT_FIELDS = ("split", "validation_share", "split_seed")


class Config:
    """What both kinds have alike: flat fields, the first of which has no default."""

    def _keep(self, **checked: Any) -> None:
        for name, value in checked.items():
            object.__setattr__(self, name, value)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Make a config from names and values, as a notebook's parameters or a record's config.json hold them."""
        known = [field.name for field in fields(cls)]
        for name in values:
            one_of("field of a run", name, known)
        if known[0] not in values:
            raise ConfigError(f"{known[0]}: no value given")
        return cls(**values)

    def to_dict(self) -> dict[str, Any]:
        """Plain values that JSON can hold; `from_dict` reads them back."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}


@dataclass(frozen=True)
class RunConfig(Config):
    """Everything that is chosen about a run, flat. The data it is run on come as a processed store.

    Attributes
    ----------
    model : str
        Which network; a name in `lib.networks.NETWORKS`.
    protocol : str
        A name in `lib.training.protocols.PROTOCOLS`: split, normalisation, evaluation, and the seed of the split.
    kernel_size : (height, width, depth)
        Of the convolution, in pixels and frames.
    epochs : int
        The paper: 100.
    batch_size : int
        The paper: 8.
    learning_rate : float
        Of plain stochastic gradient descent. The paper names none; the released code takes Keras' default, 0.01.
    seed : int
        Decides initial weights, dropout, the order of clips in each epoch, and the controls.
    control : str
        A name in `lib.training.protocols.CONTROLS`: what is taken away from the clips.

    Raises
    ------
    ConfigError
        If a value cannot be used; the message names the field and what it may be.
    """

    model: str
    protocol: str = "paper"
    kernel_size: tuple[int, int, int] = (3, 3, 15)
    epochs: int = 100
    batch_size: int = 8
    learning_rate: float = 0.01
    seed: int = 0
    control: str = "none"

    def __post_init__(self) -> None:
        sizes = self.kernel_size
        if isinstance(sizes, str) or not isinstance(sizes, Sequence) or len(sizes) != 3:
            raise ConfigError(f"kernel_size: expected (height, width, depth), found {sizes!r}")
        self._keep(
            model=one_of("model", self.model, NETWORKS),
            protocol=one_of("protocol", self.protocol, PROTOCOLS),
            kernel_size=tuple(whole_number("kernel_size", size, 1) for size in sizes),
            epochs=whole_number("epochs", self.epochs, 1),
            batch_size=whole_number("batch_size", self.batch_size, 1),
            learning_rate=positive_number("learning_rate", self.learning_rate),
            seed=whole_number("seed", self.seed, 0, below=2**32),
            control=one_of("control", self.control, CONTROLS),
        )

    @property
    def slug(self) -> str:
        """A name for files that people read; equal for equal configs only.

        >>> RunConfig("micro_exp_stcnn", seed=3).slug
        'micro_exp_stcnn-paper-3x3x15-100epochs-batch8-lr0.01-none-seed3'
        """
        kernel = "x".join(map(str, self.kernel_size))
        return (
            f"{self.model}-{self.protocol}-{kernel}-{self.epochs}epochs-batch{self.batch_size}"
            f"-lr{self.learning_rate:g}-{self.control}-seed{self.seed}"
        )


@dataclass(frozen=True)
class BaselineConfig(Config):
    """One method of `lib.baselines`, evaluated once. The data come as a processed store.

    Attributes
    ----------
    method : str
        A name in `lib.baselines.METHODS`.
    protocol : str
        One of `METHOD_PROTOCOLS`, of which the split counts.
    seed : int
        Decides what a method draws, and a split that has no seed of its own.

    Raises
    ------
    ConfigError
        If a value cannot be used; the message names the field and what it may be.
    """

    method: str
    protocol: str = "paper"
    seed: int = 0

    def __post_init__(self) -> None:
        self._keep(
            method=one_of("method", self.method, METHODS),
            protocol=one_of("protocol", self.protocol, METHOD_PROTOCOLS),
            seed=whole_number("seed", self.seed, 0, below=2**32),
        )

    @property
    def slug(self) -> str:
        """A name for files that people read; equal for equal configs only."""
        return f"{self.method}-{self.protocol}-seed{self.seed}"


def settings_of(config: RunConfig) -> dict:
    """What is chosen about a run beside network, seed and control: a chapter's results say it of the runs they hold."""
    return {name: value for name, value in config.to_dict().items() if name not in ("model", "seed", "control")}


def run_id(config: RunConfig | BaselineConfig, store, backend: str = "") -> str:
    """The name of a run: a digest of what decides its numbers, `decided_by` and the identity of the data.

    Equal names mean equal numbers on equal machines. `backend` is Keras', by default the one that is configured.
    """
    return json_digest({**decided_by(config, backend), "data": store.fingerprint})[:16]


def decided_by(config: RunConfig | BaselineConfig, backend: str = "") -> dict[str, Any]:
    """What decides a run's numbers beside its data: configuration, protocol by its values, streams, code, backend."""
    backend = backend or configured_backend()
    protocol = asdict(PROTOCOLS[config.protocol])
    if isinstance(config, BaselineConfig):
        row = METHODS[config.method]
        return {
            "method": config.method,
            "settings": dict(row.settings),
            "seed": config.seed,
            "protocol": {name: protocol[name] for name in SPLIT_FIELDS},
            "stream": baselines.STREAM,
            "code": deciding_code(config),
            "backend": backend if row.keras else None,
        }
    chosen = {name: value for name, value in config.to_dict().items() if name != "protocol"}
    return {
        "config": _without_later(chosen),
        "protocol": _without_later({name: value for name, value in protocol.items() if name not in SAID_ONLY}),
        "streams": STREAMS[config.model],
        "code": deciding_code(config),
        "backend": backend,
    }


def _without_later(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name not in ADDED_LATER or value != ADDED_LATER[name]}


def deciding_code(config: RunConfig | BaselineConfig) -> str:
    """Digest of the code that decides a run's numbers, blind to how it is laid out and what it says."""
    if isinstance(config, BaselineConfig):
        return _digest(Path(__file__).parent / "splits.py", *baselines.source_files(config.method))
    return _digest(*DECIDING_FILES, *networks.source_files(config.model))


@cache
def _digest(*sources: Path) -> str:
    return definitions_digest(sources)
