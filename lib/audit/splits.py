"""The splits: whether the printed counts come from the released seed, and what the other splits of the code do."""

import itertools

import numpy as np
import pandas as pd
from scipy.stats import multivariate_hypergeom

from lib.audit import paper, released
from lib.audit.accuracies import cell_title, printed_counts, printed_total, validation_counts
from lib.audit.finding import Outcome, check, listed
from lib.audit.lattice import TWO_DECIMALS
from lib.audit.paper import DATASET_TITLES, STCNN
from lib.audit.released import FUSENETS


@check("validation-size-{dataset}", "IV", "code")
def check_validation_size(dataset: str) -> Outcome:
    """{printed} validation clips are a fifth of the {total} clips of {dataset}, rounded up as the code does."""
    total, printed = printed_total(dataset), printed_total(dataset, "validation")
    expected = released.held_out(total)
    fitting = [n for n in range(1, 401) if released.held_out(n) == printed]
    evidence = (
        f"A fifth of {total} is {total / 5:g}, of which scikit-learn makes {expected} clips; {printed} it makes of "
        f"{fitting[0]} to {fitting[-1]}."
    )
    values = {"total": total, "expected": expected, "printed": printed, "fitting": [fitting[0], fitting[-1]]}
    return printed == expected, evidence, values


def candidates(dataset: str) -> pd.DataFrame:
    """Class counts that some source gives, and what the released seed holds out of them.

    ``reproduces``: these are Table IV's validation clips; ``chance``: how often another seed would hold those out.
    """
    entry, printed = released.released_file(STCNN, dataset), list(validation_counts(dataset).values())
    sources = {
        "labels of the released code": released.class_sizes(STCNN, dataset),
        "Table IV": list(printed_counts(dataset, "total").values()),
    }
    if official := paper.dataset_facts(dataset).get("clips"):
        sources["the dataset's authors"] = [official[name] for name in entry["classes"]]
    for missing in range(1, 4):  # slices of numpy arrays shorten themselves without a word
        labels = released.assigned_labels(entry["label_ends"], entry["label_ends"][-1] - missing)
        name = f"released labels, {missing} file{'s' if missing > 1 else ''} fewer"
        sources[name] = np.bincount(labels, minlength=len(printed)).tolist()
    fused = released.class_sizes(FUSENETS[0], dataset)
    if fused != sources["labels of the released code"]:
        sources["labels of the FuseNets' code"] = fused
    seed = entry["splits"][0]["seed"]
    rows = []
    for source, counts in sources.items():
        held = released.held_out_counts(counts, seed)
        chance = multivariate_hypergeom.pmf(printed, counts, sum(printed))
        rows.append((source, counts, sum(counts), held, held == printed, chance))
    return pd.DataFrame(rows, columns=["source", "counts", "clips", "held_out", "reproduces", "chance"])


def search(dataset: str, radius: int) -> list[list[int]]:
    """All class counts within `radius` clips of the released labels that give the printed validation counts.

    (2 radius + 1)³ splits are drawn, about 2 ms each.
    """
    seed = released.released_file(STCNN, dataset)["splits"][0]["seed"]
    printed = list(validation_counts(dataset).values())
    ranges = [range(max(size - radius, 1), size + radius + 1) for size in released.class_sizes(STCNN, dataset)]
    return [
        list(counts)
        for counts in itertools.product(*ranges)
        if released.held_out(sum(counts)) == sum(printed) and released.held_out_counts(counts, seed) == printed
    ]


@check("split-{dataset}", "IV, {table}", "code")
def check_split(dataset: str, radius: int) -> Outcome:
    """The released labels and seed give the validation counts of {dataset}."""
    table, found = candidates(dataset), search(dataset, radius)
    printed = list(validation_counts(dataset).values())
    own, fitting = table.iloc[0], table[table["reproduces"]]
    told = (f"{listed(row.counts, '/')} ({row.source})" for row in fitting.itertuples())
    evidence = (
        f"The released labels, {listed(own['counts'], '/')}, give {listed(own['held_out'], '/')}. What gives exactly "
        f"{listed(printed, '/')}: {listed(told, '; ')}; so would {100 * own['chance']:.1f} % of other seeds, and so do "
        f"{len(found)} of the {(2 * radius + 1) ** len(printed)} class counts within {radius} of the released labels."
    )
    rows = table[["source", "counts", "held_out", "reproduces"]].to_dict("records")
    return own["reproduces"], evidence, {"printed": printed, "candidates": rows, "radius": radius, "found": found}


@check("smic-labels", "V", "code")
def check_smic_labels() -> Outcome:
    """The FuseNets' code for SMIC uses every clip once, under its own label."""
    clips, classes, labels = released.clips_and_labels(FUSENETS[0], "smic")
    names, wrong = released.classes("smic"), labels != classes
    by_clip = pd.Series(wrong).groupby(clips).agg(["mean", "size"])
    share = by_clip.loc[by_clip["size"] > 1, "mean"]  # of a clip's copies, those under a wrong label
    never, both = int((share == 1).sum()), int(share.between(0, 1, inclusive="neither").sum())
    pairs = set(zip(classes[wrong], labels[wrong], strict=True))
    given = sorted(f"*{names[true]}* as *{names[label]}*" for true, label in pairs)
    copies = len(clips) - len(by_clip)
    evidence = (
        f"{len(clips)} entries are made of {len(by_clip)} clips: {copies} are copies. {int(wrong.sum())} carry a wrong "
        f"label ({listed(given)}). Clips that carry it in both copies: {never}; that carry both labels: {both}."
    )
    values = {"entries": len(clips), "clips": len(by_clip), "copies": copies, "wrong": int(wrong.sum())}
    counts = np.bincount(labels, minlength=len(names)).tolist()
    values |= {"wrong_in_both": never, "both_labels": both, "labels": dict(zip(names, counts, strict=True))}
    return not (wrong.any() or copies), evidence, values


@check("unshuffled-split", "V", "code")
def check_unshuffled() -> Outcome:
    """The last released version of the FuseNets' code can have given Table V's accuracies.

    A class without a training clip is never predicted, except by accident of the initial weights: the ceiling is the
    share of entries whose label has one.
    """
    told, impossible, counts = [], {}, {}
    for dataset, title in DATASET_TITLES.items():
        if released.released_file(FUSENETS[0], dataset)["splits"][-1]["shuffled"]:
            continue
        _, classes, labels = released.clips_and_labels(FUSENETS[0], dataset)
        table = pd.DataFrame(index=released.classes(dataset))
        boundary = len(labels) - released.held_out(len(labels))
        for name, part in (("training", slice(boundary)), ("held out", slice(boundary, None))):
            table[name] = np.bincount(classes[part], minlength=3)
            table[f"{name}, by label"] = np.bincount(labels[part], minlength=3)
        counts[dataset] = {name: column.tolist() for name, column in table.items()}
        absent = table.index[table["training, by label"] == 0]
        by_label = table["training, by label"] + table["held out, by label"]
        ceiling = 100 * (1 - by_label[absent].sum() / by_label.sum())
        told.append(
            f"on {title} {listed(table['training'], '/')} clips are trained on and {listed(table['held out'], '/')} "
            f"held out ({listed(table.index, '/')}), which allows {ceiling:.2f} %"
        )
        for model in FUSENETS:
            percent = 100 * paper.accuracy(model, dataset)
            if percent > ceiling + TWO_DECIMALS:
                impossible[f"{model} {dataset}"] = {"percent": round(percent, 2), "ceiling": round(ceiling, 2)}
    more = (f"{cell_title(cell)}, {one['percent']:.2f} %" for cell, one in impossible.items())
    evidence = f"Without shuffling, {listed(told, '; ')}. Table V prints more for: {listed(more, '; ')}."
    return (False if impossible else None), evidence, {"impossible": impossible, "counts": counts}


@check("unseeded-pairs", "V", "code")
def check_unseeded_pairs() -> Outcome:
    """The first released version of the FuseNets' code fuses the eyes and the mouth of one clip.

    For n clips, a position of the training part holds the same clip in both draws with probability 1/n, and clips of
    one class with the sum of squared class shares.
    """
    values, told = {}, []
    for dataset, title in DATASET_TITLES.items():
        first = released.released_file(FUSENETS[1], dataset)["splits"][0]
        if first["seed"] is not None or not first["shuffled"]:
            continue  # both draws are the same
        labels = released.clips_and_labels(FUSENETS[1], dataset)[2]
        n = len(labels)
        training = n - released.held_out(n)
        clip, label = training / n, float(np.sum((np.bincount(labels) / n) ** 2))
        values[dataset] = {"training": training, "same_clip": round(clip, 3), "same_label": round(label, 3)}
        told.append(
            f"of {training} pairs on {title} {clip:.1f} on average are of one entry, {100 * label:.0f} % of one label"
        )
    return not values, f"Eyes and mouths that are drawn apart, without a seed: {listed(told, '; ')}.", values


def versions() -> pd.DataFrame:
    """The released versions of the FuseNets' four files, and whether they can have given the published numbers.

    ``pairs``: it trains on the eyes and the mouth of one clip, as the streams differ and both are split alike, with a
    seed or unshuffled; ``in_time``: it came no later than the day of the published numbers.
    """
    published = paper.released_code()["numbers_published"]["date"]
    rows = []
    for entry in released.fusenet_files():
        both = len(set(entry["streams"])) == 2
        for split in entry["splits"]:
            alike = split["seed"] is not None or not split["shuffled"]
            how = f"seed {split['seed']}" if alike else "two draws without a seed"
            how, since = how if split["shuffled"] else "unshuffled", split["since"]
            rows.append((entry["path"], since, how, both and alike, since[: len(published)] <= published))
    return pd.DataFrame(rows, columns=["path", "since", "split", "pairs", "in_time"])


@check("fused-version", "V", "code")
def check_fused_version() -> Outcome:
    """Table V's FuseNets were trained on the eyes and the mouth of one clip."""
    table, published = versions(), paper.released_code()["numbers_published"]["date"]
    pairing, in_time = table[table["pairs"]], table[table["in_time"]]
    evidence = (
        f"The numbers were public on {published}. Of the {len(in_time)} files released by then "
        f"{int(in_time['pairs'].sum())} pair the eyes and the mouth of one clip; files that do came on "
        f"{listed(sorted(set(pairing['since'])))}."
    )
    agrees = None if in_time["pairs"].any() and not in_time["pairs"].all() else in_time["pairs"].all()
    return agrees, evidence, {"published": published, "versions": table.to_dict("records")}


@check("casme2-sq-readings", "IV, VI", "code")
def check_casme2_readings() -> Outcome:
    """Table IV, MicroExpSTCNN's code and the FuseNets' code mean the same clips of CAS(ME)²."""
    own, fused = (released.released_file(model, "casme2_sq") for model in (STCNN, FUSENETS[0]))
    total, labelled, n_fused = printed_total("casme2_sq"), own["label_ends"][-1], fused["label_ends"][-1]
    shortened = released.assigned_labels(own["label_ends"], n_fused)
    wrong = int((shortened != released.assigned_labels(fused["label_ends"], n_fused)).sum())
    counts = np.bincount(shortened, minlength=len(own["classes"])).tolist()
    held = released.held_out_counts(counts, own["splits"][0]["seed"])
    evidence = (
        f"Table IV counts {total}, MicroExpSTCNN's code {labelled}, the FuseNets' {n_fused}. On {n_fused} files "
        f"MicroExpSTCNN's slices give {listed(counts, '/')}, {wrong} under a wrong label; its seed holds out "
        f"{listed(held, '/')} of them, where Table VI has {listed(validation_counts('casme2_sq').values(), '/')}."
    )
    values = {"printed": total, "fused": n_fused, "counts": counts, "mislabelled": wrong, "held_out": held}
    return total == labelled == n_fused, evidence, values
