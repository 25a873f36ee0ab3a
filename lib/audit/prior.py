"""Table V against what it is compared with: the earlier methods, the commonest class, and the intervals it lacks."""

import math

import pandas as pd
from statsmodels.stats.proportion import proportion_confint

from lib.audit import paper
from lib.audit.accuracies import LARGEST, constant_scores, printed, printed_accuracies, scored_counts
from lib.audit.finding import Outcome, check, listed
from lib.audit.lattice import explaining_sizes, successes
from lib.audit.paper import DATASET_TITLES, STCNN

SOURCE_NAMES = {"casme": "CASME", "casme2": "CASME II", **DATASET_TITLES}


def best_prior(dataset: str) -> tuple[str, float]:
    """The earlier method with the highest accuracy that Table V lists under a dataset, and that accuracy in percent."""
    earlier = paper.earlier_accuracies(dataset)
    return str(earlier.idxmax()), float(earlier.max())


def compared() -> pd.DataFrame:
    """The accuracies of Table V with what it lacks, all in percent: a row for each ``model`` and ``dataset``.

    ``percent`` and ``k`` are those of `Printed`; ``clips`` the validation clips or, where no k of them gives it, all
    that the code feeds; ``low`` and ``high`` Wilson's 95 % limits on the former, none on clips most of which were
    trained on. ``mean`` and ``sd`` are Table VIII's, ``commonest`` what one answer to all these clips scores at most,
    by the labels that they are scored with, ``earlier`` the best earlier method's accuracy.
    """
    table = pd.DataFrame(printed_accuracies()).set_index(["model", "dataset"])
    table = table[["percent", "k", "n"]].rename(columns={"n": "clips"})
    for place, row in table.iterrows():
        model, dataset = place
        counts, (mean, sd) = scored_counts(model, dataset), paper.last_epochs(model, dataset)
        limits = proportion_confint(row["k"], row["clips"], method="wilson") if pd.notna(row["k"]) else (math.nan,) * 2
        table.loc[place, "clips"] = sum(counts.values())
        table.loc[place, ["low", "high", "mean", "sd"]] = [100 * share for share in (*limits, mean, sd)]
        table.loc[place, "commonest"] = max(constant_scores(counts).values())
        table.loc[place, "earlier"] = best_prior(dataset)[1]
    return table


@check("beats-{reference}-{dataset}", "V")
def check_beats(dataset: str, reference: str) -> Outcome:
    """MicroExpSTCNN's accuracy on {dataset} is above that of {reference_name}.

    `reference`: the best earlier method, ``"prior"``, or the commonest class, ``"majority"``. Open: in the interval.
    """
    row = compared().loc[(STCNN, dataset)].to_dict()
    own, n, low, high = row["percent"], int(row["clips"]), row["low"], row["high"]
    constant = ("always answering the commonest class", row["commonest"])
    name, other = best_prior(dataset) if reference == "prior" else constant
    evidence = f"{own:.2f} % of {n} clips has a 95 % interval of {low:.1f} to {high:.1f} %; {name} has {other:.2f} %."
    values = {"published": own, "n": n, "low": round(low, 2), "high": round(high, 2)}
    values |= {"reference": round(other, 2), "reference_name": name}
    return (None if low <= other < own else own > other), evidence, values


def misplaced() -> list[dict]:
    """Accuracies of earlier methods that stand under a dataset on which their source did not work."""
    sources, measured = paper.accuracies().set_index("method")["source"], paper.read_yaml("datasets.yml")["measured_on"]
    return [
        {"method": method, "accuracy": percent, "under": dataset, "measured_on": measured[sources[method]]}
        for dataset in paper.DATASETS
        for method, percent in paper.earlier_accuracies(dataset).items()
        if dataset not in measured.get(sources[method], [dataset])
    ]


@check("prior-dataset", "V", "literature")
def check_prior_dataset() -> Outcome:
    """The earlier methods of Table V were measured on the dataset under which they stand."""
    wrong = misplaced()
    told = (
        f"{one['accuracy']:.2f} % of {one['method']} stands under {DATASET_TITLES[one['under']]}, measured on "
        f"{listed((SOURCE_NAMES[name] for name in one['measured_on']), ' and ')}"
        for one in wrong
    )
    return not wrong, f"Misplaced: {listed(told, '; ')}.", {"misplaced": wrong}


@check("prior-left-{dataset}", "V", "literature")
def check_prior_left(dataset: str) -> Outcome:
    """Table V lists an earlier method that was measured on {dataset}."""
    listed_there = len(paper.earlier_accuracies(dataset))
    left = listed_there - sum(one["under"] == dataset for one in misplaced())
    evidence = f"{left} of {listed_there} earlier accuracies under it are of a source that worked on it."
    return left > 0, evidence, {"listed": listed_there, "left": left}


@check("prior-sizes", "V", "literature")
def check_prior_sizes() -> Outcome:
    """The earlier accuracies on SMIC are shares of all its clips. A mean over people need not be one."""
    clips, earlier = paper.dataset_facts("smic")["micro_expressions"], paper.earlier_accuracies("smic")
    counts = {name: successes(percent, clips) for name, percent in earlier.items()}
    told = (f"{earlier[name]:.2f} % of {name} is {'no k' if k is None else k}/{clips}" for name, k in counts.items())
    evidence = f"{listed(told, '; ')}. MicroExpSTCNN was scored on {printed(STCNN, 'smic').n}."
    return None if None in counts.values() else True, evidence, {"counts": counts}


@check("prior-complete", "V, text II-A")
def check_prior_complete() -> Outcome:
    """Table V lists the hand-crafted method that the text calls better than the others."""
    source, table = paper.text()["best_hand_crafted"], paper.accuracies()
    listed_there, earlier = source in set(table["source"]), int((table["model"] == "").sum())
    negation = "" if listed_there else "not "
    evidence = f"Directional mean optical flow is {negation}among the {earlier} earlier methods of Table V."
    return listed_there, evidence, {"source": source, "listed": listed_there}


@check("joint-compared", "V, text I", "literature")
def check_joint_compared() -> Outcome:
    """Table V compares with a network that reads frames one by one and then encodes their order."""
    names = paper.text()["in_turn"]
    return (True if names else None), f"Of its earlier methods these do: {listed(names)}.", {"names": names}


@check("beats-most-{model}", "V")
def check_beats_most(model: str) -> Outcome:
    """{model} is better than most of the earlier methods of Table V."""
    pairs = [
        (printed(model, dataset).percent, earlier, method)
        for dataset in paper.DATASETS
        for method, earlier in paper.earlier_accuracies(dataset).items()
    ]
    lost = [f"{own:.2f} < {earlier:.2f} % ({method})" for own, earlier, method in pairs if own <= earlier]
    won = len(pairs) - len(lost)
    evidence = f"Above {won} of {len(pairs)}; not above: {listed(lost)}."
    return 2 * won > len(pairs), evidence, {"won": won, "of": len(pairs)}


@check("learned-better", "V, text II-B")
def check_learned_better() -> Outcome:
    """The deep learning methods of Table V score better than its hand-crafted ones."""
    table, won, pairs, told = paper.accuracies().set_index("method"), 0, 0, []
    for dataset, title in DATASET_TITLES.items():
        learned, crafted = (table.loc[table["kind"] == kind, dataset].dropna() for kind in ("DLM", "HCM"))
        for method, score in crafted.items():
            above = int((learned > score).sum())
            won, pairs = won + above, pairs + len(learned)
            told.append(f"on {title} {above} of {len(learned)} are above {method}, {score:.2f} %")
    evidence = f"Where a hand-crafted one is listed: {listed(told, '; ')}."
    return (None if 0 < won < pairs else won == pairs), evidence, {"won": won, "pairs": pairs}


@check("one-split", "V, text IV-A")
def check_one_split() -> Outcome:
    """All networks of a dataset were measured on the same validation clips."""
    accuracies = pd.DataFrame(printed_accuracies()).groupby("dataset", sort=False)["percent"]
    explained = {dataset: explaining_sizes(percents, LARGEST) for dataset, percents in accuracies}
    told = (
        f"{listed(percents)} % on {DATASET_TITLES[dataset]}: {listed(explained[dataset])}"
        for dataset, percents in accuracies
    )
    evidence = f"Numbers of clips up to {LARGEST} that explain all three accuracies, {listed(told, '; ')}."
    return all(explained.values()), evidence, {"explaining_sizes": explained}
