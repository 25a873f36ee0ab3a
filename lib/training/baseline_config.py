"""What is chosen about one evaluation of a method of `lib.baselines`, and what names its record.

It is light, and imports no method: records of both kinds are found and listed without either.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any

from lib.baselines import METHODS, STREAM, source_files
from lib.core.checks import one_of, whole_number
from lib.core.digest import definitions_digest
from lib.networks.startup import configured_backend
from lib.training.protocols import PROTOCOLS

# Their splits are what counts: these methods fit whatever they fit on training clips, and are read at the end.
SPLITS = ("paper", "loso", "clean")
SPLIT_FIELDS = ("split", "validation_share", "split_seed")


@dataclass(frozen=True)
class BaselineConfig:
    """One method, evaluated once. The data come as a processed store.

    Attributes
    ----------
    method : str
        A name in `lib.baselines.METHODS`.
    protocol : str
        One of paper, loso and clean (`lib.training.protocols.PROTOCOLS`), of which the split counts: the rest is clean,
        for these methods fit whatever they fit on training clips.
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
        one_of("method", self.method, METHODS)
        one_of("protocol", self.protocol, SPLITS)
        object.__setattr__(self, "seed", whole_number("seed", self.seed, 0, below=2**32))

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "BaselineConfig":
        """Make a config from names and values, as a record's config.json holds them."""
        for name in values:
            one_of("field of an evaluation", name, [field.name for field in fields(cls)])
        return cls(**values)

    @property
    def slug(self) -> str:
        """A name for files that people read; equal for equal configs only."""
        return f"{self.method}-{self.protocol}-seed{self.seed}"

    def to_dict(self) -> dict[str, Any]:
        """Plain values that JSON can hold; `from_dict` reads them back."""
        return asdict(self)

    def decided_by(self) -> dict[str, Any]:
        """What decides the numbers beside the data: method with its settings and code, split by its values, seed."""
        row, protocol = METHODS[self.method], asdict(PROTOCOLS[self.protocol])
        return {
            "method": self.method,
            "settings": dict(row.settings),
            "seed": self.seed,
            "protocol": {name: protocol[name] for name in SPLIT_FIELDS},
            "stream": STREAM,
            "code": method_code(self.method),
            "backend": configured_backend() if row.keras else None,
        }


@cache
def method_code(method: str) -> str:
    """Digest of the code that decides what a method answers: its own, and that of the splits."""
    return definitions_digest([Path(__file__).parent / "splits.py", *source_files(method)])
