"""The one judge: whether a claim of the paper stands, by arithmetic, on a stand-in, and on real data.

All is computed: from `data/paper/claims.yml`, the findings of `lib.audit` and the chapters' results. Chapters and the
front page decide nothing and show what is said here. A claim about real faces is never tested by a stand-in: its column
then says "not testable here" and tells what was measured. With the real dataset in its place the same functions fill
the column of real data.

The rules. A run that is another experiment than the paper's, by its settings or by its clips, is not judged as the
paper's; what differs is named. On the paper's own split of the paper's own clips only seeds are drawn, so a number is
judged by its interval over seeds; on another split, other clips are part of the error. Fewer than `FEWEST_SEEDS` seeds
decide nothing.
"""

import inspect
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

from lib.analysis.comparisons import FEWEST_SEEDS, direction
from lib.audit import Finding, paper
from lib.audit.accuracies import printed_total
from lib.audit.claims import Claim, claims
from lib.audit.finding import listed
from lib.audit.prior import check_prior_left
from lib.audit.released import FUSENETS, class_sizes, released_settings
from lib.datasets import LOADERS
from lib.networks import NETWORKS
from lib.preprocessing import default_config
from lib.preprocessing.config import RELEASED_READING
from lib.report.wording import interval_in_points, percent
from lib.sources import parse_options
from lib.statistics.intervals import Interval
from lib.training.protocols import PROTOCOLS
from lib.training.records import LAST_EPOCHS, RunConfig
from lib.training.splits import make_folds

# What each verdict means: from the strongest against a claim to the weakest for it, then those that state nothing
VERDICTS = {
    "contradicted": "published numbers, or the released code, exclude it",
    "not replicated": "measured on the real dataset, and outside its limits",
    "replicated": "measured on the real dataset, within its limits",
    "holds": "the published numbers agree with it, which confirms nothing",
    "underpowered": "measured on too few clips, people or seeds to say",
    "not testable here": "the numbers or the data at hand cannot decide it",
    "not run": "it can be tested, and has not been",
}
COLUMNS = {"arithmetic": "by arithmetic", "standin": "stand-in data", "real": "real data"}  # the judgements of a claim
WIDE = 0.05  # a change whose interval is wider than this on both sides of zero says nothing about a claim
MARGIN = 0.05  # how much less than the paper's accuracy still counts as reaching it
COUNTS_AS_REACHED = f"up to {100 * MARGIN:.0f} points below count as reached."
# A standard deviation of ten epochs stands for a true one of up to so many times its size (upper 95 % limit, 1.8): as
# long as ours is within that, it is as small as the paper's.
SD_FACTOR = math.sqrt((LAST_EPOCHS - 1) / stats.chi2.ppf(0.025, LAST_EPOCHS - 1))
# Layouts of the datasets that hold what the paper's authors read: whole frames, one file or folder a clip.
PAPER_LAYOUTS = {"casme2_sq": ("class_folders",), "smic": ("raw", "class_folders")}
CONTROLS_READ = {"none": "", "shuffled_frames": " with frames shuffled", "first_frame": " without movement"}
NEAREST = {"casme2_sq": "expression=all extent=window start=72"}  # loader options, where another layout is read


def reached(published: float, interval: Interval, margin: float = MARGIN) -> str:
    """Whether a published score was reached, less a margin: the answer that an interval allows, which may be none.

    >>> reached(0.878, Interval(0.86, 0.84, 0.88)), reached(0.878, Interval(0.60, 0.50, 0.70))
    ('replicated', 'not replicated')
    >>> reached(0.878, Interval(0.86, 0.74, 0.95)), reached(0.878, Interval(0.86, math.nan, math.nan))
    ('underpowered', 'underpowered')
    """
    lowest = published - margin
    return "replicated" if interval.low > lowest else "not replicated" if interval.high < lowest else "underpowered"


@dataclass(frozen=True)
class Judgement:
    """One verdict and the evidence for it, in one line."""

    verdict: str
    evidence: str
    compared: str = ""  # how a measurement stands to the paper's number: nothing that a stand-in could say


@dataclass(frozen=True)
class ClaimVerdict:
    """A claim with its judgements: by arithmetic, if any bears on it, and by a run, where it needs one."""

    claim: Claim
    arithmetic: Judgement | None
    standin: Judgement | None
    real: Judgement | None
    chapter: tuple[str, str] | None  # dataset and notebook of the evidence, None if there is none in the book
    caveats: tuple[str, ...] = ()  # what arithmetic says of how the claim has to be read

    def judgements(self) -> dict[str, Judgement]:
        """Those that there are, by the names of `COLUMNS`."""
        return {name: judged for name in COLUMNS if (judged := getattr(self, name)) is not None}


# What a chapter found and whether it read a stand-in: (dataset, notebook) -> {"results", "provenance"}
Results = Mapping[tuple[str, str], Mapping]


def judge(claims: Sequence[Claim], findings: Sequence[Finding], results: Results) -> list[ClaimVerdict]:
    """The verdicts on `lib.audit.claims.claims`, in their order, by `lib.audit.findings` and what chapters wrote."""
    by_id, verdicts = {finding.id: finding for finding in findings}, []
    for claim in claims:
        if claim.kind == "audit":
            deciding, where, measured = [claim.test.partition(":")[2]], ("paper", claim.chapter), (None, None)
        else:
            notebook = next(one for one in ON_THE_FRONT_PAGE if claim.kind in ANSWERS[one])
            deciding, where = claim.arithmetic, (claim.arguments["dataset"], notebook)
            content = results.get(where)
            if content is not None and not _is_of(claim, content):
                content = None
            measured = _measured(claim, ANSWERS[notebook][claim.kind], content)
        arithmetic = _nothing_to_beat(claim) or by_arithmetic([by_id[one] for one in deciding])
        qualifying = [by_id[one] for one in claim.caveats]
        caveats = tuple(finding.evidence for finding in qualifying if finding.status in ("contradicted", "note"))
        chapter = where if where in results else None
        verdicts.append(ClaimVerdict(claim, arithmetic, *measured, chapter, caveats))
    return verdicts


def of_chapter(notebook: str, dataset: str, content: Mapping) -> list[tuple[Claim, Judgement]]:
    """What `judge` says by a chapter's ``results`` and ``provenance`` alone to the claims that it tests."""
    tests, said = ANSWERS[notebook], []
    for claim in claims():
        if claim.kind in tests and claim.arguments["dataset"] == dataset and _is_of(claim, content):
            standin, real = _measured(claim, tests[claim.kind], content)
            spoken = real if content["provenance"]["standin"] is None else standin
            said.append((claim, spoken or _nothing_to_beat(claim)))
    return said


def _is_of(claim: Claim, content: Mapping) -> bool:
    """Whether a chapter looked into the claim's network, if into one alone."""
    return content["results"].get("model") in (None, claim.arguments.get("model"))


def _nothing_to_beat(claim: Claim) -> Judgement | None:
    """What is said to a claim to beat earlier methods where none is left to compare with: no run bears on it."""
    if claim.kind != "beats_prior" or (left := check_prior_left(claim.arguments["dataset"])).status != "contradicted":
        return None
    return Judgement("not testable here", left.evidence)


def _measured(claim: Claim, test: Callable, content: Mapping | None) -> tuple[Judgement | None, Judgement | None]:
    """What a chapter measured says to a claim: on a stand-in, and on real data; None where there is nothing to say."""
    if _nothing_to_beat(claim):
        return None, None
    if content is None:
        nothing = Judgement("not run", "No chapter with these runs is in the book.")
        return nothing, nothing
    try:
        measured = test(claim, content["results"], content["provenance"])
    except _NotRun as lacking:
        measured = Judgement("not run", str(lacking) or "The runs that it needs are not finished.")
    except KeyError as lacking:  # of a chapter that is kept from an earlier version
        measured = Judgement("not run", f"The chapter's results are of an earlier version: they lack {lacking}.")
    without_scores = measured.verdict == "not run"
    told, lost = _diverged(claim, content["results"])
    if told:
        weaker = measured.verdict == "replicated" or (lost and without_scores)
        verdict = "underpowered" if weaker else measured.verdict
        measured = replace(measured, verdict=verdict, evidence=f"{measured.evidence} {told}")
    unseen = measured.verdict == "not run"
    if content["provenance"]["standin"] is not None:
        standin = measured if unseen else Judgement("not testable here", f"On rendered faces: {measured.evidence}")
        return standin, Judgement("not run", "The licensed dataset is not here.")
    real = replace(measured, evidence=f"{measured.evidence} {measured.compared}".strip())
    if departures := [] if without_scores else _departures(claim, content):
        real = Judgement("not testable here", f"Not as the paper did it ({'; '.join(departures)}): {real.evidence}")
    return Judgement("not run", "This book was built on real data."), real


# === What makes a run another experiment than the paper's ===


def _departures(claim: Claim, content: Mapping) -> list[str]:
    """In what settings and data of a chapter's runs depart from the paper's."""
    found, source, dataset = content["results"], content["provenance"], claim.arguments["dataset"]
    told = []
    models = claim.arguments.get("models", [claim.arguments.get("model", NETWORKS[0])])
    for model in models:
        settings = _settings(found, model)
        usual = [RunConfig(model, **how).to_dict() for how in ({}, released_settings(model, dataset))]
        told += min((_different(settings, one) for one in usual), key=len)
    data, layouts = source["data"], PAPER_LAYOUTS[dataset]
    if data["layout"] not in layouts:
        told.append(f"layout {data['layout']} instead of {' or '.join(layouts)}")
    chosen = {name: value for name, value in parse_options(source["parameters"]["options"]).items() if name != "layout"}
    loader = inspect.signature(LOADERS[dataset]).parameters
    told += _different(chosen, {name: loader[name].default for name in chosen})
    told += _different(data["preprocessing"], default_config(dataset).to_dict() | RELEASED_READING[dataset])
    clips, printed = sum(data["clips"].values()), printed_total(dataset)
    on_all = [model for model in models if _on_all_clips(_settings(found, model))]
    counts = {printed, *(sum(class_sizes(model, dataset)) for model in on_all)}
    if clips not in counts and not _papers_split(dataset, source):
        told.append(f"{clips} clips instead of {printed}")
    if data["layout"] not in layouts and dataset in NEAREST:
        told.append(f"nearest to the paper's clips are those of the loader options '{NEAREST[dataset]}'")
    return list(dict.fromkeys(told))


def _settings(found: Mapping, model: str) -> Mapping:
    return found["scores"][f"{model}/none"]["settings"] if "scores" in found else found["settings"]


def _on_all_clips(settings: Mapping) -> bool:
    return PROTOCOLS[settings.get("protocol", "paper")].validate_on == "all_clips"


def _different(chosen: Mapping, usual: Mapping) -> list[str]:
    changed = [name for name, value in chosen.items() if value != usual[name]]
    return [f"{name.replace('_', ' ')} {chosen[name]} instead of {usual[name]}" for name in changed]


def _papers_split(dataset: str, source: Mapping) -> bool:
    """Whether the paper's protocol holds out as many clips of each class as Table VI or VII does."""
    if source["standin"] is not None:
        return False
    clips = source["data"]["clips"]
    labels = np.repeat(np.arange(len(clips)), list(clips.values()))
    (fold,) = make_folds(PROTOCOLS["paper"], labels, tuple(clips))
    held_out = dict(zip(clips, np.bincount(labels[fold.validation], minlength=len(clips)).tolist(), strict=True))
    return held_out == paper.confusion_matrix(dataset).sum(axis=1).to_dict()


def _diverged(claim: Claim, found: Mapping) -> tuple[str, bool]:
    """A sentence where runs that a claim's test reads diverged, and whether its networks without a run all did."""
    groups = {
        f"{model}/{control}": f"{paper.METHOD_NAMES.get(model, model)}{told}"
        for model in claim.arguments.get("models", [claim.arguments.get("model", NETWORKS[0])])
        for control, told in (CONTROLS_READ if claim.kind == "temporal" else {"none": ""}).items()
    }
    failed = {name: found["diverged"][name] for name in groups if name in found.get("diverged", {})}
    told = (f"{groups[name]} in {len(seeds)} run{'s' if len(seeds) > 1 else ''}" for name, seeds in failed.items())
    without_run = {name for name in groups if name.endswith("/none")} - {*found.get("scores", {})}
    return f"The loss was not finite of {listed(told)}." if failed else "", without_run <= {*failed}


def by_arithmetic(findings: Sequence[Finding]) -> Judgement | None:
    """What findings say together: one that contradicts decides, then one that holds; notes alone decide nothing."""
    for status in ("contradicted", "holds"):
        if speaking := [finding.evidence for finding in findings if finding.status == status]:
            return Judgement(status, " ".join(speaking[:2]))
    return Judgement("not testable here", findings[0].evidence) if findings else None


# === From what a chapter measured to a verdict, as if it were real data ===


class _NotRun(Exception):
    """What a test needs was not trained; its text says why, where the chapter knows."""


def _accuracy(claim: Claim, found: Mapping, source: Mapping) -> Judgement:
    scores, published = _scores(claim, found), claim.values["accuracy"]
    limits, over = _limits(scores, "accuracy_best", claim, source)
    last, uf1 = (scores[name]["estimate"] for name in ("accuracy_last", "uf1_best"))
    text = (
        f"{percent(limits.estimate)} at the best epoch ({over}, {scores['clips']} clips), {percent(last)} at the "
        f"last; UF1 {uf1:.3f}. One class for all: {percent(scores['majority_share'])}, UF1 "
        f"{_constant_uf1(scores, source):.3f}.{_ceiling(scores)}"
    )
    of_all = "" if claim.arguments["model"] == NETWORKS[0] else ", on all clips"
    compared = f"The paper printed {percent(published, 2)}{of_all}; {COUNTS_AS_REACHED}"
    verdict = reached(published, limits)
    if verdict == "replicated" and not _learned(scores, limits.low, scores["uf1_best"], source):
        verdict = "underpowered"  # one class for all may do as well
    if _printed_of_all_clips(claim, scores):
        return Judgement("not testable here", text, compared)  # another quantity, on either side of the paper's
    return _of_seeds(len(scores["seeds"]), verdict, text, compared)


def _strangers(claim: Claim, found: Mapping, source: Mapping) -> Judgement:
    if not found["seeds"]:
        raise _NotRun
    accuracy, published = Interval.from_dict(found["accuracy"]), claim.values["accuracy"]
    text = (
        f"{percent(accuracy.estimate)} at the last epoch for people whom the network has not seen "
        f"({_between(accuracy)}; {_how_many(found['seeds'])}, {found['clips']} clips of {found['subjects']} people)."
    )
    compared = f"The paper printed {percent(published, 2)}; {COUNTS_AS_REACHED}"
    return _of_seeds(found["seeds"], reached(published, accuracy), text, compared)


def _beats_prior(claim: Claim, found: Mapping, source: Mapping) -> Judgement:
    scores, prior = _scores(claim, found), claim.values["prior"]
    limits = _of_other_clips(scores, "accuracy_best")  # the earlier method was not scored on these clips
    seeds = len(scores["seeds"])
    over = f"{seeds} seeds and clips" if seeds > 1 else "clips alone, of one seed"
    text = (
        f"{_between(limits)} at the best epoch, over {over}; "
        f"{percent(scores['accuracy_mean_last_epochs']['estimate'])} over the last epochs.{_ceiling(scores)}"
    )
    compared = f"The earlier method in the paper has {percent(prior, 2)}."
    return _of_seeds(seeds, reached(prior, limits, margin=0), text, compared)


def _ranking(claim: Claim, found: Mapping, source: Mapping) -> Judgement:
    ranking, models = found["ranking"], claim.arguments["models"]
    if ranking["order"] is None:
        raise _NotRun
    scores = [found["scores"][f"{model}/none"] for model in models]
    text = f"By mean best epoch: {' > '.join(paper.METHOD_NAMES[model] for model in ranking['order'])}."
    if at_top := [paper.METHOD_NAMES[model] for model, one in zip(models, scores, strict=True) if _ceiling(one)]:
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
    if not _learned(own, _lowest(own["accuracy_mean_last_epochs"]), own["uf1_last"], source):
        return Judgement("underpowered", f"{text} That the network learned anything to lose is not shown.")
    text += _ceiling(own, "accuracy_mean_last_epochs")
    if all(direction(change, seeds) == "down" for change in both):
        return Judgement("replicated", text)
    unclear = any(change.low == change.high or not (change.high < 0 or change.low >= -WIDE) for change in both)
    return _of_seeds(seeds, "underpowered" if unclear else "not replicated", text)


def _stability(claim: Claim, found: Mapping, source: Mapping) -> Judgement:
    scores = _scores(claim, found)
    mean, over = _limits(scores, "accuracy_mean_last_epochs", claim, source)
    sd = Interval.from_dict(scores["sd_last_epochs"])
    published, spread = paper.last_epochs(claim.arguments["model"], claim.arguments["dataset"])
    text = (
        f"{percent(mean.estimate)} on average over the last epochs ({over}), standard deviation "
        f"{interval_in_points(sd, 'no interval').replace('+', '')}.{_ceiling(scores, 'accuracy_mean_last_epochs')}"
    )
    compared = (
        f"The paper has {percent(published, 2)} ± {100 * spread:.2f} points. As stable: at most {100 * MARGIN:.0f} "
        f"points lower, deviating by at most {100 * SD_FACTOR * spread:.1f}, the upper 95 % limit of ten epochs' "
        "deviation."
    )
    steady = reached(-SD_FACTOR * spread, Interval(-sd.estimate, -sd.high, -sd.low), margin=0)
    answers = (reached(published, mean), steady)
    verdict = next(one for one in ("not replicated", "underpowered", "replicated") if one in answers)
    if verdict == "replicated" and not _learned(scores, mean.low, scores["uf1_last"], source):
        verdict = "underpowered"  # nothing is steadier than one class for all
    if _printed_of_all_clips(claim, scores):
        return Judgement("not testable here", text, compared)
    return _of_seeds(len(scores["seeds"]), verdict, text, compared)


def _kernel_best(claim: Claim, found: Mapping, source: Mapping) -> Judgement:
    comparison = found["comparisons"]["best"]
    others, own, complete = comparison["others"], comparison["accuracy"], comparison["complete"]
    if own is None or not others:
        raise _NotRun
    nearest = max(others, key=lambda other: other["accuracy"])
    lead = interval_in_points(Interval.from_dict(nearest["difference"]), _how_many(nearest["seeds"]))
    # all must hold at once, which needs no correction; one above it may be the luckiest of many, which does
    below = all(direction(Interval.from_dict(other["difference"]), other["seeds"]) == "up" for other in others)
    above = [one["kernel"] for one in others if direction(Interval.from_dict(one["cautious"]), one["seeds"]) == "down"]
    text = (
        f"{percent(own)} of {comparison['kernel']} at the best epoch (learning rate {comparison['learning_rate']:g}), "
        f"{lead} against the best of {len(others)} others, {nearest['kernel']} ({_how_many(nearest['seeds'])}). "
        f"Better, allowing for so many chances: {', '.join(above) or 'none'}. All of Table IX with all seeds: "
        f"{'yes' if complete else 'no'}."
    )
    if above or below and complete:
        return Judgement("not replicated" if above else "replicated", text)
    return _of_seeds(nearest["seeds"], "underpowered", text)


def _saliency_rest(claim: Claim, found: Mapping, source: Mapping) -> Judgement:
    _require_network(found)
    measured = {name: one for name, one in found["rest_of_face"].items() if one["share"] is not None and one["area"]}
    if not measured:
        return Judgement("not testable here", "The maps hold nothing of the face that could be measured.")
    text = " ".join(
        f"{percent(one['share'])} of the saliency ({percent(one['share_low'])} to {percent(one['share_high'])} over "
        f"clips) lies on the rest of the face, {percent(one['area'])} of the frame, by {name}; {_beside_random(one)}."
        for name, one in measured.items()
    )
    answers = {_contributes(one) for one in measured.values()}
    meaning = answers.pop() if len(answers) == 1 else "leaves it to what counts as eyes and mouth"
    return _of_seeds(1, "underpowered", text, f"This network {meaning}.")


def _saliency_crops(claim: Claim, found: Mapping, source: Mapping) -> Judgement:
    _require_network(found)
    told, more = [], []
    for name, rows in found["regions"].items():
        eyes, mouth, rest = (row["ratio"] for row in rows[:3])
        told.append(f"eyes {eyes:.1f}, mouth {mouth:.1f}, rest of the face {rest:.1f} by {name}")
        more.append(min(eyes, mouth) > rest)
    meaning = "for the claim" if all(more) else "for neither" if any(more) else "against the claim"
    text = f"Saliency over area, 1 if it were even: {'; '.join(told)}."
    return _of_seeds(1, "underpowered", text, f"This network speaks {meaning}.")


def _require_network(found: Mapping) -> None:
    if lacking := found["missing"]["network"]:  # why there is none; empty if there is one
        raise _NotRun(f"There is no network to look into: {lacking}.")


def _beside_random(rest: Mapping) -> str:
    if rest["gain_low"] is None:
        return "random networks have no saliency to compare with"
    gain = Interval(rest["gain"], rest["gain_low"], rest["gain_high"])
    random = f"{percent(rest['random_low'])} to {percent(rest['random_high'])}"
    return f"{interval_in_points(gain)} beside random networks ({random})"


def _contributes(rest: Mapping) -> str:
    """That a share is above zero means little: no gradient is ever exactly zero, and random weights pass that test."""
    if rest["share_low"] <= 0:
        return "speaks against the claim"
    above = rest["gain_low"] is not None and rest["gain_low"] > 0
    as_random = above and rest["random_low"] <= rest["share"] <= rest["random_high"]
    return "speaks for the claim" if above and not as_random else "leaves it open"


# notebook -> kind of claim that its results answer -> the function that judges
ANSWERS: Mapping[str, Mapping[str, Callable[[Claim, Mapping, Mapping], Judgement]]] = {
    **dict.fromkeys(("03_micro_exp_stcnn", "04_fusenet_intermediate", "05_fusenet_late"), {"accuracy": _accuracy}),
    "06_comparison": {
        "accuracy": _accuracy, "beats_prior": _beats_prior, "ranking": _ranking, "temporal": _temporal,
        "stability": _stability,
    },
    "07_kernel_study": {"kernel_best": _kernel_best},
    "08_saliency": {"saliency_rest": _saliency_rest, "saliency_crops": _saliency_crops},
    "11_rigorous": {"accuracy": _strangers},
}  # fmt: skip
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
    """95 % limits of a score, and in words what they are over.

    MicroExpSTCNN's printed numbers are shares of the paper's own validation clips, the FuseNets' of all clips that
    their code reads: on these nothing but the seed can be otherwise.
    """
    model, dataset = claim.arguments["model"], claim.arguments["dataset"]
    if model in FUSENETS:
        fed = sum(class_sizes(model, dataset)) == sum(source["data"]["clips"].values())
        own_clips, told = fed and _on_all_clips(scores["settings"]), "on all clips of the code"
    else:
        own_clips, told = _papers_split(dataset, source), "on the paper's split"
    limits = Interval.from_dict(scores[name]) if own_clips else _of_other_clips(scores, name)
    seeds = len(scores["seeds"])
    drawn = f"seeds, {told}" if own_clips else "seeds and clips" if seeds > 1 else "clips alone"
    return limits, f"{_between(limits)} over {drawn}; {_how_many(seeds)}"


def _of_other_clips(scores: Mapping, name: str) -> Interval:
    """95 % limits that hold both what seeds and what clips change: distances are added as independent errors are.

    The interval over seeds holds the clips fixed, and Wilson's, for so many validation clips, holds the network fixed.
    """
    (estimate, lowest, highest), clips = Interval.from_dict(scores[name]), scores["clips"]
    low, high = proportion_confint(round(estimate * clips), clips, method="wilson")
    if math.isnan(lowest):
        return Interval(estimate, low, high)
    below, above = math.hypot(estimate - low, estimate - lowest), math.hypot(high - estimate, highest - estimate)
    return Interval(estimate, max(0.0, estimate - below), min(1.0, estimate + above))


def _printed_of_all_clips(claim: Claim, scores: Mapping) -> bool:
    """Whether the paper's number is of all clips, trained on too, where this one is of clips that were held out."""
    return claim.arguments["model"] in FUSENETS and not _on_all_clips(scores["settings"])


def _learned(scores: Mapping, accuracy: float, uf1: Mapping, source: Mapping) -> bool:
    """Whether the least of either score is above what guessing gives: accuracy may be blind where classes differ.

    Who guesses without a look at the clips has a UF1 of one in as many as there are classes at most, and an accuracy of
    the commonest class's share.
    """
    return accuracy > scores["majority_share"] or _lowest(uf1) > 1 / len(source["data"]["clips"])


def _lowest(score: Mapping) -> float:
    """The lower limit of a score, the score itself where one run gives no limit."""
    return score["estimate"] if score["low"] is None else score["low"]


def _constant_uf1(scores: Mapping, source: Mapping) -> float:
    share = scores["majority_share"]
    return 2 * share / (1 + share) / len(source["data"]["clips"])


def _ceiling(scores: Mapping, name: str = "accuracy_best") -> str:
    """A sentence where less than one clip is wrong on average; empty elsewhere."""
    at_top = (1 - scores[name]["estimate"]) * scores["clips"] < 1
    return " At the ceiling: less than one clip is wrong." if at_top else ""


def _between(limits: Interval) -> str:
    return "no interval" if math.isnan(limits.low) else f"95 % limits {percent(limits.low)} to {percent(limits.high)}"


def _how_many(seeds: int) -> str:
    return "one seed" if seeds == 1 else f"{seeds} seeds"
