"""Table VIII: the mean and standard deviation of the accuracy over epochs 91 to 100, and what they say of Table V."""

from scipy import stats

from lib.audit import paper, released
from lib.audit.accuracies import cell_name, constant_scores, printed, printed_accuracies, scored_counts, validation_size
from lib.audit.finding import Finding
from lib.audit.lattice import TWO_DECIMALS, Pair, epoch_pairs, nearest_count, successes
from lib.audit.paper import DATASET_TITLES as TITLES
from lib.audit.paper import METHOD_NAMES
from lib.audit.prior import best_prior

STCNN = "micro_exp_stcnn"
SIGNIFICANT = 0.05


def n_epochs() -> int:
    """Epochs that Table VIII is taken over: ten."""
    first, last = paper.text()["last_epochs"]
    return last - first + 1


def fitting_pairs(model: str, dataset: str, trials: int, ddof: int) -> list[Pair]:
    """Every mean and standard deviation of ten epochs on so many clips that rounds to what Table VIII prints."""
    mean, sd = (100 * value for value in paper.last_epochs(model, dataset))
    return epoch_pairs(
        trials, ddof, (mean - TWO_DECIMALS, mean + TWO_DECIMALS), (sd - TWO_DECIMALS, sd + TWO_DECIMALS), n_epochs()
    )


def check_cell(model: str, dataset: str) -> Finding:
    """Whether a cell of Table VIII can be the mean and deviation of ten epochs on the validation clips, and if not, on
    all clips that the released code validates on."""
    mean, sd = (round(100 * value, 2) for value in paper.last_epochs(model, dataset))
    clips, fed, epochs = validation_size(dataset), released.clip_count(model, dataset), n_epochs()
    own = {ddof: fitting_pairs(model, dataset, clips, ddof) for ddof in (0, 1)}
    total, all_total = successes(mean, epochs * clips), successes(mean, epochs * fed)
    values = {
        "mean": mean,
        "sd": sd,
        "n": clips,
        "total": total,
        "ddof": [ddof for ddof, pairs in own.items() if pairs],
    }
    if values["ddof"]:
        pairs = own[values["ddof"][-1]]
        formula = {(0, 1): "either formula", (1,): "the sample formula (ddof = 1)", (0,): "ddof = 0"}
        values["squares"] = [pair.squares for pair in pairs]
        evidence = (
            f"{mean:.2f} % is {total:,}/{epochs * clips}, and {sd:.2f} % the deviation of ten whole numbers with the "
            "sum of "
            f"squares {pairs[0].squares:,}, by {formula[tuple(values['ddof'])]} only."
        )
    elif total is not None:
        evidence = (
            f"{mean:.2f} % is {total:,}/{epochs * clips}, but no ten whole numbers with that sum deviate by {sd:.2f} %."
        )
    else:
        values |= {"clips_fed": fed, "total_of_fed": all_total}
        evidence = f"{mean:.2f} % is no k/{epochs * clips}."
        if model in released.FUSENETS and all_total is not None:
            evidence += (
                f" It is {all_total:,}/{epochs * fed:,}: ten epochs on the {fed} clips that the code validates on."
            )
        elif model in released.FUSENETS:
            nearest = nearest_count(mean, epochs * fed)
            logged = successes(mean, epochs * fed, 2 * TWO_DECIMALS) is not None
            values["of_rounded_logs"] = logged
            evidence += f" Nor is it any k/{epochs * fed:,}, of which {nearest:,} gives {10 * nearest / fed:.2f} %" + (
                ", unless the ten accuracies were rounded to four decimals before." if logged else "."
            )
    return Finding(
        id=f"table-viii-{cell_name(model, dataset)}",
        table="VIII",
        statement=(
            f"{mean:.2f} ± {sd:.2f} % of {METHOD_NAMES[model]} on {TITLES[dataset]} can be ten epochs on the {clips} "
            "validation clips"
        ),
        status="holds" if values["ddof"] else "contradicted",
        evidence=evidence,
        values=values,
    )


def check_best_above_mean() -> Finding:
    """Whether Table V prints what a network scores at the end of its training, or more than that."""
    gains = {
        f"{row.model} {row.dataset}": round(row.percent - 100 * paper.last_epochs(row.model, row.dataset)[0], 2)
        for row in printed_accuracies()
    }
    higher = sum(gain > TWO_DECIMALS for gain in gains.values())
    return Finding(
        id="best-above-mean",
        table="V, VIII",
        statement="Table V prints what the networks score at the end of their training",
        status="contradicted" if higher == len(gains) else "note" if higher else "holds",
        evidence=(
            f"{higher} of {len(gains)} accuracies of Table V lie above the network's own mean over the last ten "
            "epochs, by "
            f"{min(gains.values()):.1f} to {max(gains.values()):.1f} points."
        ),
        values={"gains": gains},
    )


def check_mean_above_constant() -> Finding:
    """Whether every network's mean over the last ten epochs is above what one answer to every clip scores."""
    below = {}
    for row in printed_accuracies():
        counts = scored_counts(row.model, row.dataset)
        mean = 100 * paper.last_epochs(row.model, row.dataset)[0]
        name, constant = max(constant_scores(counts).items(), key=lambda item: item[1])
        if mean <= constant:
            below[f"{row.model} {row.dataset}"] = {
                "mean": round(mean, 2), "constant": round(constant, 2), "class": name, "printed": row.percent,
            }  # fmt: skip
    told = [
        f"{METHOD_NAMES[cell.split()[0]]} on {TITLES[cell.split()[1]]} has {one['mean']:.2f} %; answering "
        f"*{one['class']}* to "
        f"every clip has {one['constant']:.2f} %"
        for cell, one in below.items()
    ]
    return Finding(
        id="mean-above-constant",
        table="V, VIII",
        statement="Over its last ten epochs every network does better than one constant answer",
        status="contradicted" if below else "holds",
        evidence=f"{'; '.join(told)}." if told else "All six means are above it.",
        values=below,
        rests_on="code",
    )


def check_mean_beats_prior(dataset: str) -> Finding:
    """Whether MicroExpSTCNN's mean over the last ten epochs is above the best earlier method of Table V."""
    method, prior = best_prior(dataset)
    mean, best = 100 * paper.last_epochs(STCNN, dataset)[0], printed(STCNN, dataset).percent
    above = mean > prior
    return Finding(
        id=f"mean-beats-prior-{dataset.replace('_', '-')}",
        table="V, VIII",
        statement=f"MicroExpSTCNN's mean over the last ten epochs on {TITLES[dataset]} is above every earlier method",
        status="holds" if above else "contradicted",
        evidence=(
            f"Its mean is {mean:.2f} %, {'above' if above else 'below'} the {prior:.2f} % of {method}; its best "
            "epoch has "
            f"{best:.2f} %."
        ),
        values={"mean": round(mean, 2), "prior": prior, "prior_method": method, "best": best},
    )


def check_steadier(model: str) -> Finding:
    """Whether a network is steadier on SMIC than on CAS(ME)²: an F-test of the two variances of Table VIII.

    The test takes epochs as independent, which they are not: the p value is too small rather than too large.
    """
    wide, narrow = (paper.last_epochs(model, dataset)[1] for dataset in ("casme2_sq", "smic"))
    ratio, freedom = (wide / narrow) ** 2, n_epochs() - 1
    p = float(2 * min(stats.f.sf(ratio, freedom, freedom), stats.f.cdf(ratio, freedom, freedom)))
    status = "note" if p >= SIGNIFICANT else "holds" if ratio > 1 else "contradicted"
    return Finding(
        id=f"steadier-{model.rpartition('_')[2]}",
        table="VIII",
        statement=f"{METHOD_NAMES[model]} is more stable on SMIC than on CAS(ME)²",
        status=status,
        evidence=(
            f"Over ten epochs it deviates by {100 * narrow:.2f} and {100 * wide:.2f} points; chance alone sets two "
            f"such deviations that far apart (F = {ratio:.2f}, p = {p:.2f})."
            if status == "note"
            else f"Over ten epochs it deviates by {100 * narrow:.2f} and {100 * wide:.2f} points (p = {p:.2f})."
        ),
        values={"f": round(ratio, 3), "p": round(p, 4)},
    )
