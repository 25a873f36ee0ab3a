"""Each claim of the paper with its verdict: by arithmetic, on a stand-in, and on real data.

Everything is computed: from `data/paper/claims.yml`, from the findings of `lib.audit`, and from what the chapters found
(their results, which hold the scores of run records). With the real dataset in place of a stand-in the same functions
fill the column of real data. A claim about real faces is never tested by a stand-in: its column then says "not testable
here" and tells what was measured.
"""

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from lib.audit import RESTS_ON, Finding
from lib.metrics import wilson_interval
from lib.networks import NETWORKS
from lib.paper import METHOD_NAMES, Claim, last_epochs
from lib.statistics import FEWEST_PAIRS, Interval, says_something
from lib.statistics import verdict as reached
from lib.wording import interval_in_points

# From the strongest statement against a claim to the weakest for it, then those that state nothing.
VERDICTS = (
    "contradicted", "not replicated", "replicated", "holds", "underpowered", "not testable here", "not run",
)  # fmt: skip
# A change whose interval is wider than this on both sides of zero says nothing about a claim.
WIDE = 0.05
# How much less than the paper's accuracy still counts as reaching it, as in chapter 11.
MARGIN = 0.05
# What makes a run another experiment than the paper's, with what the chapters and the paper have.
PAPER_SETTINGS = {"epochs": 100, "fusenet_epochs": 100, "batch_size": 8, "frames": 0}


@dataclass(frozen=True)
class Judgement:
    """One verdict and the evidence for it, in one line.

    `compared` is how a measurement stands to the paper's number: nothing that a stand-in could say. `rests_on` is what
    a verdict by arithmetic needs beside the printed numbers; see `lib.audit.Finding`.
    """

    verdict: str
    evidence: str
    compared: str = ""
    rests_on: str = ""

    def __post_init__(self) -> None:
        if self.verdict not in VERDICTS:
            raise ValueError(f"expected a verdict among {', '.join(VERDICTS)}, found {self.verdict!r}")


@dataclass(frozen=True)
class ClaimVerdict:
    """A claim with its three judgements.

    `arithmetic` is None where no arithmetic bears on the claim, `standin` and `real` where it needs no run. `chapter`
    is the (dataset, notebook) that holds the evidence, None if there is none in the book. `caveats` is what arithmetic
    says of how the claim has to be read.
    """

    claim: Claim
    arithmetic: Judgement | None
    standin: Judgement | None
    real: Judgement | None
    chapter: tuple[str, str] | None
    caveats: tuple[str, ...] = ()


# What a chapter found and whether it read a stand-in: (dataset, notebook) -> {"results", "provenance"}
Results = Mapping[tuple[str, str], Mapping]


def judge(claims: Sequence[Claim], findings: Sequence[Finding], results: Results) -> list[ClaimVerdict]:
    """The verdicts on all claims, in their order.

    Parameters
    ----------
    claims : sequence of Claim
        From `lib.paper.claims`.
    findings : sequence of Finding
        From `lib.audit.findings`.
    results : mapping of (dataset, notebook) -> dict
        What each chapter wrote: its ``results`` and its ``provenance``.
    """
    by_id = {finding.id: finding for finding in findings}
    return [dataclasses.replace(_judge_one(claim, by_id, results), caveats=_caveats(claim, by_id)) for claim in claims]


def _caveats(claim: Claim, findings: Mapping[str, Finding]) -> tuple[str, ...]:
    speaking = [findings[one] for one in claim.caveats]
    return tuple(finding.evidence for finding in speaking if finding.status in ("contradicted", "note"))


def _judge_one(claim: Claim, findings: Mapping[str, Finding], results: Results) -> ClaimVerdict:
    if claim.kind == "audit":
        own = findings[claim.test.partition(":")[2]]
        chapter = ("paper", claim.chapter) if ("paper", claim.chapter) in results else None
        return ClaimVerdict(claim, by_arithmetic([own]), None, None, chapter)
    test, notebook = TESTS[claim.kind]
    where = (claim.arguments["dataset"], notebook)
    arithmetic = by_arithmetic([findings[one] for one in claim.arithmetic])
    content = results.get(where)
    if content is None:
        nothing = Judgement("not run", "No chapter with these runs is in the book.")
        return ClaimVerdict(claim, arithmetic, nothing, nothing, None)
    measured = test(claim, content["results"])
    if content["provenance"]["standin"] is None:
        evidence = f"{measured.evidence} {measured.compared}".strip()
        real = dataclasses.replace(measured, evidence=evidence)
        departures = _departures(content["provenance"].get("parameters", {}))
        if departures and real.verdict != "not run":
            real = Judgement("not testable here", f"Not as the paper did it ({departures}): {evidence}")
        standin = Judgement("not run", "This book was built on real data.")
    else:
        real = Judgement("not run", "The licensed dataset is not here.")
        unseen = measured.verdict == "not run"
        standin = measured if unseen else Judgement("not testable here", f"On rendered faces: {measured.evidence}")
    return ClaimVerdict(claim, arithmetic, standin, real, where)


def _departures(parameters: Mapping) -> str:
    """Settings of a chapter that make it another experiment than the paper's; empty if there are none."""
    changed = {name: parameters.get(name, usual) for name, usual in PAPER_SETTINGS.items()}
    return ", ".join(
        f"{name.replace('_', ' ')} {value}" for name, value in changed.items() if value != PAPER_SETTINGS[name]
    )


def by_arithmetic(findings: Sequence[Finding]) -> Judgement | None:
    """What findings say together: one that contradicts decides, then one that holds; notes alone decide nothing."""
    if not findings:
        return None
    for status in ("contradicted", "holds"):
        speaking = [finding for finding in findings if finding.status == status]
        if speaking:
            evidence = " ".join(finding.evidence for finding in speaking[:2])
            # the claim falls, or stands, by the finding that needs least
            return Judgement(status, evidence, rests_on=min((one.rests_on for one in speaking), key=RESTS_ON.index))
    return Judgement("not testable here", findings[0].evidence)


# === From what a chapter measured to a verdict, as if it were real data ===


def _accuracy(claim: Claim, found: Mapping) -> Judgement:
    scores = _scores(claim, found)
    if scores is None:
        return _not_run(claim)
    low, high = _limits(scores, "accuracy_best")
    published, constant = claim.values["accuracy"], scores["majority_share"]
    text = (
        f"{scores['accuracy_best']['estimate']:.1%} at the best epoch over {_seeds(scores)} (95 % limits {low:.1%} to "
        f"{high:.1%}, {scores['clips']} clips), {scores['accuracy_last']['estimate']:.1%} at the last; one class for "
        f"all scores {constant:.1%}."
    )
    compared = f"Reached if it is at most {100 * MARGIN:.0f} points below the printed {published:.2%}."
    if claim.arguments["model"] != NETWORKS[0]:
        compared += " That was measured on all clips, this on held-out ones."
    verdict = reached(published, Interval(scores["accuracy_best"]["estimate"], low, high), MARGIN)
    if verdict == "replicated" and low <= constant:
        verdict = "underpowered"
    return Judgement(verdict, text, compared)


def _beats_prior(claim: Claim, found: Mapping) -> Judgement:
    scores = _scores(claim, found)
    if scores is None:
        return _not_run(claim)
    low, high = _limits(scores, "accuracy_best")
    prior = claim.values["prior"]
    text = f"95 % limits at the best epoch over {_seeds(scores)} are {low:.1%} to {high:.1%}."
    where = "below" if prior < low else "above" if prior > high else "between"
    verdict = "replicated" if low > prior else "not replicated" if high < prior else "underpowered"
    return Judgement(verdict, text, f"The earlier method's {prior:.2%} lies {where} them.")


def _ranking(claim: Claim, found: Mapping) -> Judgement:
    ranking = found["ranking"]
    if ranking["order"] is None:
        return _not_run(claim)
    leads = ranking["published_leads"]
    order = " > ".join(METHOD_NAMES[model] for model in ranking["order"])
    told = "; ".join(_change_text(lead) for lead in leads)
    text, compared = f"Order by mean best epoch: {order}.", f"Leads in the paper's order: {told}."
    compared += " Over seeds; another choice of clips is not covered."
    pairs = min(len(_seeds_of(found, f"{model}/none")) for model in claim.arguments["models"])
    if pairs < FEWEST_PAIRS or any(lead is None or _open(lead) for lead in leads):
        return Judgement("underpowered", text, compared)
    if any(lead["high"] < 0 for lead in leads):
        return Judgement("not replicated", text, compared)
    return Judgement("replicated" if all(lead["low"] > 0 for lead in leads) else "underpowered", text, compared)


def _temporal(claim: Claim, found: Mapping) -> Judgement:
    changes = found["control_changes"]
    if len(changes) < 2:
        return _not_run(claim)
    text = (
        f"Accuracy changes by {_change_text(changes['shuffled_frames'])} with frames shuffled and by "
        f"{_change_text(changes['first_frame'])} without movement."
    )
    own = found["scores"][f"{claim.arguments['model']}/none"]
    if own["accuracy_mean_last_epochs"]["estimate"] <= own["majority_share"]:
        return Judgement("underpowered", f"{text} The network learned nothing that could be lost.")
    pairs = min(len(_seeds_of(found, f"{claim.arguments['model']}/{control}")) for control in ("none", *changes))
    if pairs < FEWEST_PAIRS or any(_open(change) for change in changes.values()):
        return Judgement("underpowered", text)
    if all(change["high"] < 0 for change in changes.values()):
        return Judgement("replicated", text)
    open_ones = [change for change in changes.values() if change["high"] >= 0]
    wide = any(change["low"] < -WIDE for change in open_ones)
    return Judgement("underpowered" if wide else "not replicated", text)


def _stability(claim: Claim, found: Mapping) -> Judgement:
    scores = _scores(claim, found)
    if scores is None:
        return _not_run(claim)
    mean, sd = scores["accuracy_mean_last_epochs"]["estimate"], scores["std_last_epochs"]
    text = f"Last ten epochs over {_seeds(scores)}: mean {mean:.1%}, standard deviation between epochs {sd:.1%}."
    published, spread = last_epochs(claim.arguments["model"], claim.arguments["dataset"])
    low, high = _limits(scores, "accuracy_mean_last_epochs")
    verdict = reached(published, Interval(mean, low, high), MARGIN)
    return Judgement(verdict, text, f"The paper has {published:.2%} ± {spread:.2%}.")


def _kernel_best(claim: Claim, found: Mapping) -> Judgement:
    answer = found["answers"][0]
    text = f"Best at the learning rate {answer['learning_rate']:g}: {' and '.join(found['best_kernels'])}."
    verdicts = {"yes": "replicated", "no": "not replicated", "undecided": "underpowered"}
    verdict = verdicts.get(found["paper_kernel_is_best"])
    return _not_run(claim) if verdict is None else Judgement(verdict, text)


def _saliency_rest(claim: Claim, found: Mapping) -> Judgement:
    if found["missing"].get("network"):  # why there is none; empty if there is one
        return _not_run(claim)
    measured = {name: one for name, one in found["verdict"].items() if one["share"] is not None}
    if not measured:
        return Judgement("not testable here", "The maps hold nothing of the face that could be measured.")
    text = " ".join(
        f"By {name}, {one['share']:.0%} of the saliency (95 % limits {one['share_low']:.0%} to "
        f"{one['share_high']:.0%}) lies on the rest of the face, which is {one['area']:.0%} of the frame; a random "
        f"network has {one['random']:.0%} there."
        for name, one in measured.items()
    )
    outcomes = {one["outcome"] for one in measured.values()}
    if len(outcomes) > 1:
        return Judgement("underpowered", f"{text} It depends on what counts as eyes and mouth.")
    names = {"supported": "replicated", "contradicted": "not replicated", "undecided": "underpowered"}
    return Judgement(names.get(outcomes.pop(), "not testable here"), text)


# kind of test -> the function that judges, and the notebook whose results it reads
TESTS: Mapping[str, tuple[Callable[[Claim, Mapping], Judgement], str]] = {
    "accuracy": (_accuracy, "06_comparison"),
    "beats_prior": (_beats_prior, "06_comparison"),
    "ranking": (_ranking, "06_comparison"),
    "temporal": (_temporal, "06_comparison"),
    "stability": (_stability, "06_comparison"),
    "kernel_best": (_kernel_best, "07_kernel_study"),
    "saliency_rest": (_saliency_rest, "08_saliency"),
}


def _scores(claim: Claim, found: Mapping) -> Mapping | None:
    return found["scores"].get(f"{claim.arguments['model']}/none")


def _limits(scores: Mapping, name: str) -> tuple[float, float]:
    """95 % limits that hold both what seeds and what clips change: distances are added as independent errors are.

    The interval over seeds holds the clips fixed, and Wilson's, for so many validation clips, holds the network fixed.
    """
    interval, clips = scores[name], scores["clips"]
    estimate = interval["estimate"]
    low, high = wilson_interval(round(estimate * clips), clips)
    if interval["low"] is None:
        return low, high
    below = math.hypot(estimate - low, estimate - interval["low"])
    above = math.hypot(high - estimate, interval["high"] - estimate)
    return max(0.0, estimate - below), min(1.0, estimate + above)


def _open(change: Mapping) -> bool:
    """Whether a change, as results hold it, has no limits that can be read."""
    return not says_something(Interval.from_dict(change))


def _seeds_of(found: Mapping, runs: str) -> set[int]:
    return set(found["scores"][runs]["seeds"]) if runs in found["scores"] else set()


def _seeds(scores: Mapping) -> str:
    return f"{len(scores['seeds'])} seed{'s' if len(scores['seeds']) > 1 else ''}"


def _change_text(change: Mapping | None) -> str:
    if change is None:
        return "not run"
    return interval_in_points(Interval.from_dict(change), "one seed")


def _not_run(claim: Claim) -> Judgement:
    return Judgement("not run", f"The runs that '{claim.kind}' needs are not finished.")
