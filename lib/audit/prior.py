"""Table V against what it is compared with: the earlier methods, the commonest class, and the intervals it lacks."""

import pandas as pd

from lib.audit import paper, released
from lib.audit.accuracies import LARGEST, printed, printed_accuracies, validation_counts
from lib.audit.finding import Finding
from lib.audit.lattice import explaining_sizes, successes
from lib.audit.paper import DATASET_TITLES as TITLES
from lib.audit.paper import METHOD_NAMES
from lib.statistics.metrics import wilson_interval

SOURCE_NAMES = {"casme": "CASME", "casme2": "CASME II", **TITLES}


def published_intervals() -> pd.DataFrame:
    """The accuracies of Table V with the number of clips that explains them, Wilson's 95 % interval, and references.

    Returns
    -------
    DataFrame
        ``model``, ``dataset``, ``percent``; ``n``: Table IV's validation clips if the percentage is a share of them,
        else the entries that the released code feeds; ``held_out``; ``low``, ``high`` in percent; ``majority``: what
        always answering the commonest class scores on Table IV's validation clips; ``prior``, ``prior_method``: the
        best earlier method of Table V; ``mean``, ``sd`` of Table VIII.
    """
    rows = []
    for row in printed_accuracies():
        held_out = row.k is not None
        n = row.n if held_out else released.clip_count(row.model, row.dataset)
        low, high = wilson_interval(round(row.percent * n / 100), n)
        counts = validation_counts(row.dataset)
        prior = best_prior(row.dataset)
        rows.append(
            {
                "model": row.model, "dataset": row.dataset, "percent": row.percent, "n": n, "held_out": held_out,
                "low": 100 * low, "high": 100 * high, "majority": 100 * max(counts.values()) / sum(counts.values()),
                "prior": prior[1], "prior_method": prior[0],
                "mean": 100 * paper.last_epochs(row.model, row.dataset)[0],
                "sd": 100 * paper.last_epochs(row.model, row.dataset)[1],
            }
        )  # fmt: skip
    return pd.DataFrame(rows)


def best_prior(dataset: str) -> tuple[str, float]:
    """The earlier method with the highest accuracy that Table V lists under a dataset, and that accuracy in percent."""
    earlier = paper.earlier_accuracies(dataset)
    return str(earlier.idxmax()), float(earlier.max())


def check_beats(dataset: str, reference: str) -> Finding:
    """Whether MicroExpSTCNN's interval lies above the best earlier method's accuracy, or above the majority class.

    `note`: the accuracy is higher, but the other number lies within the interval.

    Parameters
    ----------
    reference : {"prior", "majority"}
    """
    table = published_intervals()
    row = table[(table["model"] == "micro_exp_stcnn") & (table["dataset"] == dataset)].iloc[0]
    other = float(row[reference])
    name = row["prior_method"] if reference == "prior" else "always answering the commonest class"
    status = "contradicted" if row["percent"] <= other else "holds" if row["low"] > other else "note"
    place = "below" if row["low"] > other else "within" if row["high"] >= other else "above"
    subject = "every earlier method of Table V" if reference == "prior" else name
    return Finding(
        id=f"beats-{reference}-{dataset.replace('_', '-')}",
        table="V",
        statement=f"MicroExpSTCNN's accuracy on {TITLES[dataset]} is above that of {subject}",
        status=status,
        evidence=(
            f"{row['percent']:.2f} % of {row['n']} clips has a 95 % interval of {row['low']:.1f} to "
            f"{row['high']:.1f} %; the {other:.2f} % of {name} lies {place} it."
        ),
        values={
            "published": float(row["percent"]), "n": int(row["n"]),
            "low": round(float(row["low"]), 2), "high": round(float(row["high"]), 2),
            "reference": round(other, 2), "reference_name": name,
        },
    )  # fmt: skip


def misplaced() -> list[dict]:
    """Accuracies of earlier methods that stand under a dataset on which their source did not work."""
    table, measured = paper.accuracies(), paper.measured_on()
    return [
        {"method": row["method"], "accuracy": row[dataset], "under": dataset, "measured_on": measured[row["source"]]}
        for row in table[table["model"] == ""].to_dict("records")
        for dataset in paper.DATASETS
        if pd.notna(row[dataset]) and row["source"] in measured and dataset not in measured[row["source"]]
    ]


def check_prior_dataset() -> Finding:
    """Whether the earlier methods of Table V were measured on the dataset under which they stand."""
    wrong = misplaced()
    told = [
        f"{one['accuracy']:.2f} % of {one['method']} stands under {TITLES[one['under']]}; its source worked on "
        f"{' and '.join(SOURCE_NAMES[name] for name in one['measured_on'])}"
        for one in wrong
    ]
    return Finding(
        id="prior-dataset",
        table="V",
        statement="The earlier methods of Table V were measured on the dataset under which they stand",
        status="contradicted" if wrong else "holds",
        evidence=f"{'; '.join(told)}." if told else "No source worked on other datasets only.",
        values={"misplaced": wrong},
        rests_on="literature",
    )


def check_prior_left(dataset: str) -> Finding:
    """Whether Table V lists an earlier method that was measured on a dataset: something to outperform."""
    listed = paper.earlier_accuracies(dataset)
    left = len(listed) - sum(one["under"] == dataset for one in misplaced())
    return Finding(
        id=f"prior-left-{dataset.replace('_', '-')}",
        table="V",
        statement=f"Table V lists an earlier method that was measured on {TITLES[dataset]}",
        status="holds" if left else "contradicted",
        evidence=f"Of {len(listed)} earlier accuracies under {TITLES[dataset]}, {left} are of a source that worked "
        "on it."
        if left
        else f"No earlier method of Table V was measured on {TITLES[dataset]}: there is none to compare with.",
        values={"listed": len(listed), "left": left},
        rests_on="literature",
    )


def check_prior_sizes() -> Finding:
    """Whether the earlier accuracies on SMIC can be shares of all its clips, while MicroExpSTCNN's is of a fifth."""
    clips = paper.dataset_facts("smic")["micro_expressions"]
    counts = {name: successes(percent, clips) for name, percent in paper.earlier_accuracies("smic").items()}
    earlier = paper.earlier_accuracies("smic")
    fitting = [f"{earlier[name]:.2f} % of {name} is {k}/{clips}" for name, k in counts.items() if k is not None]
    others = [
        f"{earlier[name]:.2f} % of {name} is no k/{clips} (the smallest sizes that explain it are "
        f"{', '.join(map(str, explaining_sizes([earlier[name]], LARGEST)[:3]))})"
        for name, k in counts.items()
        if k is None
    ]
    return Finding(
        id="prior-sizes",
        table="V",
        statement=f"The earlier accuracies on SMIC can be of all its {clips} clips",
        status="contradicted" if others else "holds",
        evidence=f"{'; '.join(fitting + others)}. MicroExpSTCNN was scored on {printed('micro_exp_stcnn', 'smic').n}.",
        values={"counts": counts},
        rests_on="literature",
    )


def check_prior_complete() -> Finding:
    """Whether Table V lists the hand-crafted method that the text calls better than the others."""
    source, table = paper.text()["best_hand_crafted"], paper.accuracies()
    listed = source in set(table["source"])
    return Finding(
        id="prior-complete",
        table="V, text II-A",
        statement="Table V lists the hand-crafted method that the text calls better than the others",
        status="holds" if listed else "contradicted",
        evidence=f"Directional mean optical flow is {'' if listed else 'not '}among the "
        f"{int((table['model'] == '').sum())} earlier methods of Table V.",
        values={"source": source, "listed": listed},
    )


def check_beats_most(model: str) -> Finding:
    """Whether a FuseNet's accuracy is above most of the earlier accuracies that Table V lists."""
    pairs = [
        (printed(model, dataset).percent, earlier, method)
        for dataset in paper.DATASETS
        for method, earlier in paper.earlier_accuracies(dataset).items()
    ]
    lost = [f"{own:.2f} < {earlier:.2f} ({method})" for own, earlier, method in pairs if own <= earlier]
    won = len(pairs) - len(lost)
    return Finding(
        id=f"beats-most-{model.rpartition('_')[2]}",
        table="V",
        statement=f"{METHOD_NAMES[model]} is better than most of the earlier methods of Table V",
        status="holds" if 2 * won > len(pairs) else "contradicted",
        evidence=f"It is above {won} of {len(pairs)}" + (f"; {' and '.join(lost)} %." if lost else "."),
        values={"won": won, "of": len(pairs)},
    )


def check_learned_better() -> Finding:
    """Whether the deep learning methods of Table V score better than its hand-crafted ones, where both are listed."""
    table, worse = paper.accuracies(), {}
    for dataset in paper.DATASETS:
        rows = table.dropna(subset=[dataset])
        crafted = rows[rows["kind"] == "HCM"]
        if len(crafted):
            best = crafted.loc[crafted[dataset].idxmax()]
            learned = rows[(rows["kind"] == "DLM") & (rows[dataset] <= best[dataset])]
            worse |= {f"{row['method']} {row[dataset]:.2f} %": f"{best[dataset]:.2f} % of {best['method']}"
                      for _, row in learned.iterrows()}  # fmt: skip
    return Finding(
        id="learned-better",
        table="V, text II-B",
        statement="The deep learning methods of Table V score better than its hand-crafted ones",
        status="contradicted" if worse else "holds",
        evidence="; ".join(f"{own} is below the {other}" for own, other in worse.items()) + "."
        if worse
        else "All of them do, where a hand-crafted one is listed.",
        values={"worse": worse},
    )


def check_one_split() -> Finding:
    """Whether one number of clips explains all accuracies that Table V gives on a dataset."""
    explained = {}
    for dataset in paper.DATASETS:
        percents = [row.percent for row in printed_accuracies() if row.dataset == dataset]
        explained[dataset] = explaining_sizes(percents, LARGEST)
    lacking = [dataset for dataset, sizes in explained.items() if not sizes]
    told = "; ".join(
        f"{TITLES[dataset]} {', '.join(f'{row.percent:.2f} % of {row.n}' for row in rows.itertuples())}"
        for dataset, rows in published_intervals().groupby("dataset", sort=False)
    )
    return Finding(
        id="one-split",
        table="V, text IV-A",
        statement="All networks of a dataset were measured on the same validation clips",
        status="contradicted" if lacking else "holds",
        evidence=f"No number of clips up to {LARGEST} explains the three accuracies of one dataset. They are, on "
        f"{told}."
        if lacking
        else f"All can be: {told}.",
        values={"explaining_sizes": explained},
    )
