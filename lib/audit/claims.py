"""The claims of the paper, from `data/paper/claims.yml`, and how a verdict on each is computed."""

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, Field, ValidationError, field_validator, model_validator

from lib.audit import paper
from lib.core.errors import ConfigError, suggestion

# What each kind of test needs to know; see the head of claims.yml.
CLAIM_TESTS: dict[str, tuple[str, ...]] = {
    "audit": (),
    "accuracy": ("dataset", "model"),
    "ranking": ("dataset", "models"),
    "beats_prior": ("dataset", "model"),
    "kernel_best": ("dataset", "kernel"),
    "temporal": ("dataset", "model"),
    "saliency_rest": ("dataset", "model"),
    "saliency_crops": ("dataset", "model"),
    "stability": ("dataset", "model"),
}
Model = Literal[tuple(paper.METHOD_NAMES)]


class Arguments(BaseModel, extra="forbid"):
    """What a test is about; which of these it takes, `CLAIM_TESTS` says."""

    model: Model = ""
    models: list[Model] = []
    kernel: tuple[int, int, int] = ()
    dataset: Literal[paper.DATASETS] = ""


class Claim(BaseModel, frozen=True, extra="forbid"):
    """One claim of the paper and how a verdict on it is computed. The keys of `claims.yml`, which explains them."""

    id: str = Field(min_length=1)
    group: str = Field(min_length=1)
    statement: str = Field(min_length=1)
    where: str = Field(min_length=1)
    how: str = Field(min_length=1)
    test: str  # a kind of `CLAIM_TESTS`, or "audit:<finding id>"
    arguments: Annotated[Arguments, AfterValidator(lambda given: given.model_dump(exclude_unset=True))] = {}
    values: dict = {}  # the printed numbers
    tolerance: float | Literal["interval"] | None = None
    arithmetic: tuple[str, ...] = ()  # ids of the findings of `lib.audit` that decide the claim without any data
    caveats: tuple[str, ...] = ()  # and of those that only qualify it
    chapter: str | None = None  # the notebook that tests it

    @property
    def kind(self) -> str:
        """The kind of test, without the finding's id."""
        return self.test.partition(":")[0]

    @field_validator("test")
    @classmethod
    def _known_test(cls, test: str) -> str:
        kind, _, finding = test.partition(":")
        if kind not in CLAIM_TESTS or (kind == "audit") != bool(finding):
            runs = ", ".join(repr(kind) for kind in CLAIM_TESTS if kind != "audit")
            raise ValueError(f"expected 'audit:<finding id>', as in audit:table-iv-sums, or one of {runs}")
        return test

    @model_validator(mode="before")
    @classmethod
    def _own_finding_first(cls, entry: dict) -> dict:
        own, others = str(entry.get("test")).partition(":")[2], entry.get("arithmetic", ())
        return {**entry, "arithmetic": tuple(dict.fromkeys([*([own] if own else []), *others]))}

    @model_validator(mode="after")
    def _takes_these_arguments(self) -> "Claim":
        if sorted(self.arguments) != list(CLAIM_TESTS[self.kind]):
            expected, found = list(CLAIM_TESTS[self.kind]), sorted(self.arguments)
            raise ValueError(f"a test {self.kind} takes the arguments {expected}, found {found}")
        return self


def claims() -> list[Claim]:
    """Every claim of `claims.yml`, checked, in the order of the file; a `ConfigError` names the claim."""
    found = [_claim(entry) for entry in paper.read_yaml("claims.yml")]
    ids = [claim.id for claim in found]
    if twice := sorted({name for name in ids if ids.count(name) > 1}):
        raise ConfigError(f"claims.yml: expected each id once, found {', '.join(twice)} more often")
    return found


def _claim(entry: dict) -> Claim:
    try:
        return Claim(**entry)
    except ValidationError as error:
        wrong, *others = error.errors()
        key, found = ".".join(map(str, wrong["loc"])) or "arguments", wrong["input"]
        told = " or ".join([wrong["msg"], *(one["msg"] for one in others if one["loc"][:1] == wrong["loc"][:1])])
        if wrong["type"] == "extra_forbidden":
            known = list((Arguments if "." in key else Claim).model_fields)
            told += f"; expected keys are {', '.join(known)}{suggestion(wrong['loc'][-1], known)}"
        elif isinstance(found, str):
            told += f", found {found!r}" + suggestion(found, re.findall("'(.+?)'", wrong["msg"]))
        raise ConfigError(f"claims.yml, {entry.get('id', 'a claim without id')}: {key}: {told}") from None
