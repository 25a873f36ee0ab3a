"""The one judge: whether a claim of the paper stands, by arithmetic, on a stand-in, and on real data.

Everything is computed: from `data/paper/claims.yml`, from the findings of `lib.audit`, and from what the chapters found
(their results, which hold the scores of run records). Chapters and the front page decide nothing and show what is said
here: the same results get one verdict wherever they are shown. With the real dataset in place of a stand-in the same
functions fill the column of real data. A claim about real faces is never tested by a stand-in: its column then says
"not testable here" and tells what was measured.

The rules. A run that is another experiment than the paper's, by its settings or by its clips, is not judged as the
paper's; what differs is named. On the paper's own split of the paper's own clips only seeds are drawn, so a number is
judged by its interval over seeds; on another split, other clips are part of the error. Fewer than `FEWEST_SEEDS` seeds
decide nothing.
"""

import dataclasses
import inspect
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from lib.analysis.comparisons import FEWEST_SEEDS, direction
from lib.audit import RESTS_ON, Finding, paper
from lib.audit.accuracies import printed_total
from lib.audit.claims import Claim, claims
from lib.audit.paper import METHOD_NAMES, last_epochs
from lib.audit.prior import check_prior_left
from lib.datasets import LOADERS
from lib.networks import NETWORKS
from lib.preprocessing import default_config
from lib.preprocessing.config import RELEASED_READING
from lib.report.wording import count, interval_in_points
from lib.sources import parse_options
from lib.statistics.intervals import Interval
from lib.statistics.metrics import wilson_interval
from lib.training.protocols import PROTOCOLS
from lib.training.records import LAST_EPOCHS, RunConfig
from lib.training.splits import make_folds

# From the strongest statement against a claim to the weakest for it, then those that state nothing.
VERDICTS = (
    "contradicted", "not replicated", "replicated", "holds", "underpowered", "not testable here", "not run",
)  # fmt: skip
# A change whose interval is wider than this on both sides of zero says nothing about a claim.
WIDE = 0.05
# How much less than the paper's accuracy still counts as reaching it.
MARGIN = 0.05
# A standard deviation of ten epochs stands for a true one of up to so many times its size (upper 95 % limit, 1.8): as
# long as ours is within that, it is as small as the paper's.
SD_FACTOR = math.sqrt((LAST_EPOCHS - 1) / stats.chi2.ppf(0.025, LAST_EPOCHS - 1))
# Layouts of the datasets that hold what the paper's authors read: whole frames, one file or folder a clip.
PAPER_LAYOUTS = {"casme2_sq": ("class_folders",), "smic": ("raw", "class_folders")}
NEAREST = {"casme2_sq": "expression=all extent=window start=72"}  # loader options, where another layout is read


def reached(published: float, interval: Interval, margin: float = MARGIN) -> str:
    """Whether a published score was reached: the answer that an interval allows, which may be none.

    Two values are to be told apart: the published one, and the lowest that would still do, a margin below it. An
    interval that includes the latter is compatible with success and with failure: there were too few people, clips or
    seeds. A score above the published one counts as reached.

    >>> reached(0.878, Interval(0.86, 0.84, 0.88)), reached(0.878, Interval(0.60, 0.50, 0.70))
    ('replicated', 'not replicated')
    >>> reached(0.878, Interval(0.86, 0.74, 0.95)), reached(0.878, Interval(0.86, math.nan, math.nan))
    ('underpowered', 'underpowered')
    """
    lowest = published - margin
    return "replicated" if interval.low > lowest else "not replicated" if interval.high < lowest else "underpowered"


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
        From `lib.audit.claims.claims`.
    findings : sequence of Finding
        From `lib.audit.findings`.
    results : mapping of (dataset, notebook) -> dict
        What each chapter wrote: its ``results`` and its ``provenance``.
    """
    by_id = {finding.id: finding for finding in findings}
    return [dataclasses.replace(_judge_one(claim, by_id, results), caveats=_caveats(claim, by_id)) for claim in claims]


def of_chapter(notebook: str, dataset: str, content: Mapping) -> list[tuple[Claim, Judgement]]:
    """What a chapter's results say to the claims that it tests: for these results, what `judge` says.

    Parameters
    ----------
    notebook, dataset : str
    content : dict
        The chapter's ``results`` and ``provenance``.
    """
    tests, model = ANSWERS[notebook], content["results"].get("model")
    asked = [
        claim
        for claim in claims()
        if claim.kind in tests
        and claim.arguments["dataset"] == dataset
        and (model is None or claim.arguments.get("model") == model)
    ]
    said = []
    for claim in asked:
        standin, real = _measured(claim, tests[claim.kind], content)
        spoken = standin if content["provenance"]["standin"] is not None else real
        said.append((claim, spoken or by_arithmetic([check_prior_left(dataset)])))
    return said


def _caveats(claim: Claim, findings: Mapping[str, Finding]) -> tuple[str, ...]:
    speaking = [findings[one] for one in claim.caveats]
    return tuple(finding.evidence for finding in speaking if finding.status in ("contradicted", "note"))


def _judge_one(claim: Claim, findings: Mapping[str, Finding], results: Results) -> ClaimVerdict:
    if claim.kind == "audit":
        own = findings[claim.test.partition(":")[2]]
        chapter = ("paper", claim.chapter) if ("paper", claim.chapter) in results else None
        return ClaimVerdict(claim, by_arithmetic([own]), None, None, chapter)
    notebook = next(one for one in ON_THE_FRONT_PAGE if claim.kind in ANSWERS[one])
    where = (claim.arguments["dataset"], notebook)
    arithmetic = by_arithmetic([findings[one] for one in claim.arithmetic])
    content = results.get(where)
    measured = _measured(claim, ANSWERS[notebook][claim.kind], content)
    return ClaimVerdict(claim, arithmetic, *measured, where if content else None)


def _measured(claim: Claim, test: Callable, content: Mapping | None) -> tuple[Judgement | None, Judgement | None]:
    """What a chapter measured says to a claim: on a stand-in, and on real data; None where there is nothing to say."""
    if claim.kind == "beats_prior" and check_prior_left(claim.arguments["dataset"]).status == "contradicted":
        return None, None  # without an earlier method to compare with, the claim is decided and no run bears on it
    if content is None:
        nothing = Judgement("not run", "No chapter with these runs is in the book.")
        return nothing, nothing
    try:
        measured = test(claim, content["results"], content["provenance"])
    except _NotRun:
        measured = Judgement("not run", f"The runs that '{claim.kind}' needs are not finished.")
    except KeyError as lacking:  # of a chapter that is kept from an earlier version
        measured = Judgement("not run", f"The chapter's results are of an earlier version: they lack {lacking}.")
    if content["provenance"]["standin"] is not None:
        unseen = measured.verdict == "not run"
        standin = measured if unseen else Judgement("not testable here", f"On rendered faces: {measured.evidence}")
        return standin, Judgement("not run", "The licensed dataset is not here.")
    real = dataclasses.replace(measured, evidence=f"{measured.evidence} {measured.compared}".strip())
    departures = [] if real.verdict == "not run" else _departures(claim, content)
    if departures:
        real = Judgement("not testable here", f"Not as the paper did it ({'; '.join(departures)}): {real.evidence}")
    return Judgement("not run", "This book was built on real data."), real


# === What makes a run another experiment than the paper's ===


def _departures(claim: Claim, content: Mapping) -> list[str]:
    """In what settings and data of a chapter's runs depart from the paper's."""
    found, source, dataset = content["results"], content["provenance"], claim.arguments["dataset"]
    told = []
    for model in claim.arguments.get("models", [claim.arguments.get("model", NETWORKS[0])]):
        settings = found["scores"][f"{model}/none"]["settings"] if "scores" in found else found["settings"]
        told += _different(settings, RunConfig(model).to_dict())
    data = source["data"]
    if data["layout"] not in PAPER_LAYOUTS[dataset]:
        told.append(f"layout {data['layout']} instead of {' or '.join(PAPER_LAYOUTS[dataset])}")
    loader = inspect.signature(LOADERS[dataset]).parameters
    chosen = {name: value for name, value in parse_options(source["parameters"]["options"]).items() if name != "layout"}
    told += _different(chosen, {name: loader[name].default for name in chosen})
    told += _different(data["preprocessing"], default_config(dataset).to_dict() | RELEASED_READING[dataset])
    clips, printed = sum(data["clips"].values()), printed_total(dataset)
    if clips != printed and not _papers_split(dataset, source):
        told.append(f"{clips} clips instead of {printed}")
    if data["layout"] not in PAPER_LAYOUTS[dataset] and dataset in NEAREST:
        told.append(f"nearest to the paper's clips are those of the loader options '{NEAREST[dataset]}'")
    return list(dict.fromkeys(told))


def _different(chosen: Mapping, usual: Mapping) -> list[str]:
    return [
        f"{name.replace('_', ' ')} {value} instead of {usual[name]}"
        for name, value in chosen.items()
        if value != usual[name]
    ]


def _papers_split(dataset: str, source: Mapping) -> bool:
    """Whether the paper's protocol holds out as many clips of each class as Table VI or VII does."""
    if source["standin"] is not None:
        return False
    clips = source["data"]["clips"]
    labels = np.repeat(np.arange(len(clips)), list(clips.values()))
    (fold,) = make_folds(PROTOCOLS["paper"], labels, tuple(clips))
    held_out = dict(zip(clips, np.bincount(labels[fold.validation], minlength=len(clips)).tolist(), strict=True))
    return held_out == paper.confusion_matrix(dataset).sum(axis=1).to_dict()


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


class _NotRun(Exception):
    """What a test needs was not trained."""


def _accuracy(claim: Claim, found: Mapping, source: Mapping) -> Judgement:
    scores, published = _scores(claim, found), claim.values["accuracy"]
    limits, of_what = _limits(scores, "accuracy_best", claim, source)
    text = (
        f"{limits.estimate:.1%} at the best epoch ({_between(limits)} over {of_what}; {_seeds(scores)}, "
        f"{scores['clips']} clips), {scores['accuracy_last']['estimate']:.1%} at the last; UF1 "
        f"{scores['uf1_best']['estimate']:.3f}. One class for all: {scores['majority_share']:.1%}, UF1 "
        f"{_constant_uf1(claim, scores):.3f}.{_ceiling(scores)}"
    )
    of_all = "" if claim.arguments["model"] == NETWORKS[0] else ", on all clips"
    compared = f"The paper printed {published:.2%}{of_all}; up to {100 * MARGIN:.0f} points below count as reached."
    verdict = reached(published, limits)
    if verdict == "replicated" and not _learned(claim, scores, limits.low, scores["uf1_best"]["low"]):
        verdict = "underpowered"  # one class for all may do as well
    return _of_seeds(len(scores["seeds"]), verdict, text, compared)


def _strangers(claim: Claim, found: Mapping, source: Mapping) -> Judgement:
    if not found["seeds"]:
        raise _NotRun
    accuracy, published = Interval.from_dict(found["accuracy"]), claim.values["accuracy"]
    text = (
        f"{accuracy.estimate:.1%} at the last epoch for people whom the network has not seen ({_between(accuracy)}; "
        f"{_how_many(found['seeds'])}, {found['clips']} clips of {found['subjects']} people)."
    )
    compared = f"The paper printed {published:.2%}; up to {100 * MARGIN:.0f} points below count as reached."
    return _of_seeds(found["seeds"], reached(published, accuracy), text, compared)


def _beats_prior(claim: Claim, found: Mapping, source: Mapping) -> Judgement:
    scores, prior = _scores(claim, found), claim.values["prior"]
    limits = _of_other_clips(scores, "accuracy_best")  # the earlier method was not scored on these clips
    text = f"{_between(limits)} at the best epoch, over {_seeds(scores)} and over clips.{_ceiling(scores)}"
    verdict = "replicated" if prior < limits.low else "not replicated" if prior > limits.high else "underpowered"
    return _of_seeds(len(scores["seeds"]), verdict, text, f"The earlier method in the paper has {prior:.2%}.")


def _ranking(claim: Claim, found: Mapping, source: Mapping) -> Judgement:
    ranking, models = found["ranking"], claim.arguments["models"]
    if ranking["order"] is None:
        raise _NotRun
    scores = [found["scores"][f"{model}/none"] for model in models]
    text = f"By mean best epoch: {' > '.join(METHOD_NAMES[model] for model in ranking['order'])}."
    at_top = [METHOD_NAMES[model] for model, one in zip(models, scores, strict=True) if _ceiling(one)]
    if at_top:
        text += f" At the ceiling, where an order cannot be seen: {', '.join(at_top)}."
    told, directions = [], []
    for first, second, lead in zip(scores, scores[1:], ranking["published_leads"], strict=False):
        shared = len({*first["seeds"]} & {*second["seeds"]})
        told.append("not run" if lead is None else interval_in_points(Interval.from_dict(lead), _how_many(shared)))
        seen = lead is not None and not (_ceiling(first) and _ceiling(second))
        directions.append(direction(Interval.from_dict(lead), shared) if seen else "open")
    fewest = _how_many(min(len(one["seeds"]) for one in scores))
    compared = f"Leads in the paper's order, over {fewest} and the same clips: {'; '.join(told)}."
    verdict = "not replicated" if "down" in directions else "underpowered" if "open" in directions else "replicated"
    return Judgement(verdict, text, compared)


def _temporal(claim: Claim, found: Mapping, source: Mapping) -> Judgement:
    changes, model = found["control_changes"], claim.arguments["model"]
    if len(changes) < 2:
        raise _NotRun
    own = found["scores"][f"{model}/none"]
    seeds = min(len({*own["seeds"]} & {*found["scores"][f"{model}/{control}"]["seeds"]}) for control in changes)
    shuffled, still = both = [Interval.from_dict(changes[control]) for control in ("shuffled_frames", "first_frame")]
    text = (
        f"{interval_in_points(shuffled)} of accuracy with frames shuffled, {interval_in_points(still)} without "
        f"movement, over {_how_many(seeds)}."
    )
    if not _learned(claim, own, own["accuracy_mean_last_epochs"]["estimate"], own["uf1_last"]["estimate"]):
        return Judgement("underpowered", f"{text} The network learned nothing that could be lost.")
    text += _ceiling(own, "accuracy_mean_last_epochs")
    if all(direction(change, seeds) == "down" for change in both):
        return Judgement("replicated", text)
    wide = any(not change.high < 0 and not change.low >= -WIDE for change in both)
    equal = any(change.low == change.high for change in both)
    return _of_seeds(seeds, "underpowered" if wide or equal else "not replicated", text)


def _stability(claim: Claim, found: Mapping, source: Mapping) -> Judgement:
    scores = _scores(claim, found)
    mean, of_what = _limits(scores, "accuracy_mean_last_epochs", claim, source)
    sd = Interval.from_dict(scores["sd_last_epochs"])
    published, spread = last_epochs(claim.arguments["model"], claim.arguments["dataset"])
    text = (
        f"{mean.estimate:.1%} on average over the last epochs ({_between(mean)} over {of_what}; {_seeds(scores)}), "
        f"standard deviation {interval_in_points(sd, 'no interval').replace('+', '')}."
        f"{_ceiling(scores, 'accuracy_mean_last_epochs')}"
    )
    compared = (
        f"The paper has {published:.2%} ± {100 * spread:.2f} points. As stable: at most {100 * MARGIN:.0f} points "
        f"lower, deviating by at most {100 * SD_FACTOR * spread:.1f}, the upper 95 % limit of ten epochs' deviation."
    )
    steady = reached(-SD_FACTOR * spread, Interval(-sd.estimate, -sd.high, -sd.low), margin=0)
    both = {reached(published, mean), steady}
    verdict = next(one for one in ("not replicated", "underpowered", "replicated") if one in both)
    return _of_seeds(len(scores["seeds"]), verdict, text, compared)


def _kernel_best(claim: Claim, found: Mapping, source: Mapping) -> Judgement:
    comparison = found["comparisons"]["best"]
    others, own, complete = comparison["others"], comparison["accuracy"], comparison["complete"]
    if own is None or not others:
        raise _NotRun
    nearest = max(others, key=lambda other: other["accuracy"])
    lead = interval_in_points(Interval.from_dict(nearest["difference"]), _how_many(nearest["seeds"]))
    # all must hold at once, which needs no correction; one above it may be the luckiest of many, which does
    below = [direction(Interval.from_dict(other["difference"]), other["seeds"]) == "up" for other in others]
    above = [one["kernel"] for one in others if direction(Interval.from_dict(one["cautious"]), one["seeds"]) == "down"]
    text = (
        f"{own:.1%} of {comparison['kernel']} at the best epoch (learning rate {comparison['learning_rate']:g}), "
        f"{lead} against the best of {len(others)} others, {nearest['kernel']} ({_how_many(nearest['seeds'])}). "
        f"Better, allowing for so many chances: {', '.join(above) or 'none'}. All of Table IX with all seeds: "
        f"{'yes' if complete else 'no'}."
    )
    if above:
        return Judgement("not replicated", text)
    if all(below) and complete:
        return Judgement("replicated", text)
    return _of_seeds(nearest["seeds"], "underpowered", text)


def _saliency_rest(claim: Claim, found: Mapping, source: Mapping) -> Judgement:
    if found["missing"]["network"]:  # why there is none; empty if there is one
        raise _NotRun
    measured = {name: one for name, one in found["rest_of_face"].items() if one["share"] is not None and one["area"]}
    if not measured:
        return Judgement("not testable here", "The maps hold nothing of the face that could be measured.")
    text = " ".join(
        f"{one['share']:.1%} of the saliency ({one['share_low']:.1%} to {one['share_high']:.1%} over clips) lies on "
        f"the rest of the face, {one['area']:.1%} of the frame, by {name}; {_beside_random(one)}."
        for name, one in measured.items()
    )
    answers = {_contributes(one) for one in measured.values()}
    meaning = answers.pop() if len(answers) == 1 else "leaves it to what counts as eyes and mouth"
    return _of_seeds(1, "underpowered", text, f"This network {meaning}.")


def _beside_random(rest: Mapping) -> str:
    if rest["gain_low"] is None:
        return "random networks have no saliency to compare with"
    gain = Interval(rest["gain"], rest["gain_low"], rest["gain_high"])
    return f"{interval_in_points(gain)} beside random networks ({rest['random_low']:.1%} to {rest['random_high']:.1%})"


def _contributes(rest: Mapping) -> str:
    """That a share is above zero means little: no gradient is ever exactly zero, and random weights pass that test."""
    if rest["share_low"] <= 0:
        return "speaks against the claim"
    if rest["gain_low"] is None or rest["gain_low"] <= 0 or rest["random_low"] <= rest["share"] <= rest["random_high"]:
        return "leaves it open"
    return "speaks for the claim"


# notebook -> kind of claim that its results answer -> the function that judges
ANSWERS: Mapping[str, Mapping[str, Callable[[Claim, Mapping, Mapping], Judgement]]] = {
    **{name: {"accuracy": _accuracy} for name in ("03_micro_exp_stcnn", "04_fusenet_intermediate", "05_fusenet_late")},
    "06_comparison": {
        "accuracy": _accuracy,
        "beats_prior": _beats_prior,
        "ranking": _ranking,
        "temporal": _temporal,
        "stability": _stability,
    },
    "07_kernel_study": {"kernel_best": _kernel_best},
    "08_saliency": {"saliency_rest": _saliency_rest},
    "11_rigorous": {"accuracy": _strangers},
}
ON_THE_FRONT_PAGE = ("06_comparison", "07_kernel_study", "08_saliency")  # the others have one seed or strangers


def _of_seeds(seeds: int, verdict: str, text: str, compared: str = "") -> Judgement:
    """A judgement, unless too few seeds stand behind it."""
    if seeds < FEWEST_SEEDS:
        verdict = "underpowered"
        compared = f"{compared} {_how_many(seeds).capitalize()} cannot tell a network from its luck.".strip()
    return Judgement(verdict, text, compared)


def _scores(claim: Claim, found: Mapping) -> Mapping:
    scores = found["scores"].get(f"{claim.arguments['model']}/none")
    if scores is None:
        raise _NotRun
    return scores


def _limits(scores: Mapping, name: str, claim: Claim, source: Mapping) -> tuple[Interval, str]:
    """95 % limits of a score, and what they are over.

    On the paper's own split of the paper's own clips nothing but the seed can be otherwise. Only MicroExpSTCNN's
    printed numbers are of that split: those of the others are no shares of so many clips.
    """
    if claim.arguments["model"] == NETWORKS[0] and _papers_split(claim.arguments["dataset"], source):
        return Interval.from_dict(scores[name]), "seeds, on the paper's split"
    return _of_other_clips(scores, name), "seeds and clips"


def _of_other_clips(scores: Mapping, name: str) -> Interval:
    """95 % limits that hold both what seeds and what clips change: distances are added as independent errors are.

    The interval over seeds holds the clips fixed, and Wilson's, for so many validation clips, holds the network fixed.
    """
    over_seeds, clips = scores[name], scores["clips"]
    estimate = over_seeds["estimate"]
    low, high = wilson_interval(round(estimate * clips), clips)
    if over_seeds["low"] is None:
        return Interval(estimate, low, high)
    below = math.hypot(estimate - low, estimate - over_seeds["low"])
    above = math.hypot(high - estimate, over_seeds["high"] - estimate)
    return Interval(estimate, max(0.0, estimate - below), min(1.0, estimate + above))


def _learned(claim: Claim, scores: Mapping, accuracy: float | None, uf1: float | None) -> bool:
    """Whether either score is above that of one class for all: where classes differ in size, accuracy may be blind."""
    pairs = ((accuracy, scores["majority_share"]), (uf1, _constant_uf1(claim, scores)))
    return any(own is not None and own > constant for own, constant in pairs)


def _constant_uf1(claim: Claim, scores: Mapping) -> float:
    share = scores["majority_share"]
    return 2 * share / (1 + share) / len(paper.confusion_matrix(claim.arguments["dataset"]))


def _ceiling(scores: Mapping, name: str = "accuracy_best") -> str:
    """A sentence where less than one clip is wrong on average; empty elsewhere."""
    at_top = (1 - scores[name]["estimate"]) * scores["clips"] < 1
    return " At the ceiling: less than one clip is wrong." if at_top else ""


def _between(limits: Interval) -> str:
    return "no interval" if math.isnan(limits.low) else f"95 % limits {limits.low:.1%} to {limits.high:.1%}"


def _seeds(scores: Mapping) -> str:
    return _how_many(len(scores["seeds"]))


def _how_many(seeds: int) -> str:
    return "one seed" if seeds == 1 else count(seeds, "seed")
