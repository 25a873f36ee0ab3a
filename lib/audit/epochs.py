"""Table VIII: the mean and standard deviation of the accuracy over epochs 91 to 100, and what they say of Table V."""

from scipy import stats

from lib.audit import paper, released
from lib.audit.accuracies import cell_title, constant_scores, printed, printed_accuracies, printed_total, scored_counts
from lib.audit.finding import Outcome, check, listed
from lib.audit.lattice import TWO_DECIMALS, Pair, epoch_pairs, successes
from lib.audit.paper import STCNN
from lib.audit.prior import best_prior, compared

SIGNIFICANT = 0.05


def n_epochs() -> int:
    """Epochs that Table VIII is taken over: ten."""
    first, last = paper.text()["last_epochs"]
    return last - first + 1


def fitting_pairs(model: str, dataset: str, trials: int, ddof: int) -> list[Pair]:
    """Every mean and standard deviation of ten epochs on so many clips that rounds to what Table VIII prints."""
    mean, sd = (100 * value for value in paper.last_epochs(model, dataset))
    means, sds = ((value - TWO_DECIMALS, value + TWO_DECIMALS) for value in (mean, sd))
    return epoch_pairs(trials, ddof, means, sds, n_epochs())


@check("table-viii-{model}-{dataset}", "VIII")
def check_cell(model: str, dataset: str) -> Outcome:
    """{mean:.2f} ± {sd:.2f} % of {model} on {dataset} can be ten epochs on the {n} validation clips."""
    mean, sd = (round(100 * value, 2) for value in paper.last_epochs(model, dataset))
    clips, fed, epochs = printed_total(dataset, "validation"), released.clip_count(model, dataset), n_epochs()
    fitting = {ddof: fitting_pairs(model, dataset, clips, ddof) for ddof in (0, 1)}
    ddofs = [ddof for ddof, pairs in fitting.items() if pairs]
    total, of_fed = successes(mean, epochs * clips), successes(mean, epochs * fed)
    values = {"mean": mean, "sd": sd, "n": clips, "total": total, "ddof": ddofs}
    evidence = f"{mean:.2f} % is {'no k' if total is None else total}/{epochs * clips}"
    if ddofs:
        values["squares"] = [pair.squares for pair in fitting[ddofs[-1]]]
        evidence += (
            f", and {sd:.2f} % the deviation of ten whole numbers with a sum of squares of {values['squares'][0]:,}, "
            f"divided by ten less ddof = {listed(ddofs, ' or ')}."
        )
    elif total is not None:
        evidence += f", but no ten whole numbers with that sum deviate by {sd:.2f} %."
    else:
        values |= {"clips_fed": fed, "total_of_fed": of_fed}
        evidence += f"; on the {fed} entries that the code reads it is {of_fed or 'no k'}/{epochs * fed}."
        if model in released.FUSENETS and of_fed is None:
            logged = values["of_rounded_logs"] = successes(mean, epochs * fed, 2 * TWO_DECIMALS) is not None
            evidence += f" Accuracies rounded to four decimals before {'can' if logged else 'cannot'} give it."
    return bool(ddofs), evidence, values


@check("best-above-mean", "V, VIII")
def check_best_above_mean() -> Outcome:
    """Table V prints what the networks score on average over their last epochs."""
    table = compared()
    gains = {" ".join(cell): round(gain, 2) for cell, gain in (table["percent"] - table["mean"]).items()}
    higher = sum(gain > TWO_DECIMALS for gain in gains.values())
    evidence = (
        f"{higher} of {len(gains)} accuracies of Table V lie above the network's own mean over the last ten "
        f"epochs, by {min(gains.values()):.1f} to {max(gains.values()):.1f} points."
    )
    return (None if 0 < higher < len(gains) else not higher), evidence, {"gains": gains}


@check("mean-above-constant", "V, VIII", "code")
def check_mean_above_constant() -> Outcome:
    """Over its last ten epochs every network does better than one constant answer."""
    below = {}
    for row in printed_accuracies():
        mean = 100 * paper.last_epochs(row.model, row.dataset)[0]
        scores = constant_scores(scored_counts(row.model, row.dataset))
        name, constant = max(scores.items(), key=lambda item: item[1])
        if mean <= constant:
            numbers = {"mean": round(mean, 2), "constant": round(constant, 2), "class": name, "printed": row.percent}
            below[f"{row.model} {row.dataset}"] = numbers
    told = (
        f"{cell_title(cell)} has {one['mean']:.2f} %, *{one['class']}* to every entry {one['constant']:.2f} %"
        for cell, one in below.items()
    )
    evidence = f"{len(below)} of 6 means are not above it: {listed(told, '; ')}."
    return not below, evidence, below


@check("mean-beats-prior-{dataset}", "V, VIII")
def check_mean_beats_prior(dataset: str) -> Outcome:
    """MicroExpSTCNN's mean over the last ten epochs on {dataset} is above every earlier method."""
    method, prior = best_prior(dataset)
    mean, best = 100 * paper.last_epochs(STCNN, dataset)[0], printed(STCNN, dataset).percent
    evidence = f"Its mean is {mean:.2f} %, {method} has {prior:.2f} %; its best epoch has {best:.2f} %."
    return mean > prior, evidence, {"mean": round(mean, 2), "prior": prior, "prior_method": method, "best": best}


@check("steadier-{model}", "VIII")
def check_steadier(model: str) -> Outcome:
    """{model} is more stable on SMIC than on CAS(ME)².

    The test takes epochs as independent, which they are not: the p value is too small rather than too large.
    """
    wide, narrow = (paper.last_epochs(model, dataset)[1] for dataset in ("casme2_sq", "smic"))
    ratio, freedom = (wide / narrow) ** 2, n_epochs() - 1
    p = float(2 * min(stats.f.sf(ratio, freedom, freedom), stats.f.cdf(ratio, freedom, freedom)))
    evidence = (
        f"Over ten epochs it deviates by {100 * narrow:.2f} points on SMIC and by {100 * wide:.2f} on CAS(ME)² "
        f"(F = {ratio:.2f}, p = {p:.2f})."
    )
    return (None if p >= SIGNIFICANT else ratio > 1), evidence, {"f": round(ratio, 3), "p": round(p, 4)}
