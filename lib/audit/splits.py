"""The splits: whether the printed counts come from the released seed, and what the other splits of the code do."""

import itertools
import math
from collections.abc import Sequence

import numpy as np
import pandas as pd

from lib.audit import paper, released
from lib.audit.accuracies import printed_counts, validation_counts, validation_size
from lib.audit.finding import Finding
from lib.audit.paper import CONFUSION_TABLES
from lib.audit.paper import DATASET_TITLES as TITLES
from lib.audit.released import FUSENETS

STCNN = "micro_exp_stcnn"


def check_validation_size(dataset: str) -> Finding:
    """Whether a fifth of Table IV's clips, rounded up, are its validation clips."""
    total = int(paper.class_counts(dataset).set_index("class").loc["all", "total"])
    printed, expected = validation_size(dataset), released.held_out(total)
    fitting = [n for n in range(1, 401) if released.held_out(n) == printed]
    return Finding(
        id=f"validation-size-{_name(dataset)}",
        table="IV",
        statement=f"{printed} validation clips are a fifth of the {total} clips of {TITLES[dataset]}, rounded up",
        status="holds" if printed == expected else "contradicted",
        evidence=(
            f"A fifth of {total} is {expected} validation clips"
            + (
                "."
                if printed == expected
                else f", not {printed}; {printed} belong to {fitting[0]} to {fitting[-1]} clips."
            )
        ),
        values={"total": total, "expected": expected, "printed": printed, "fitting": [fitting[0], fitting[-1]]},
    )


def chance_of_counts(class_counts: Sequence[int], held_counts: Sequence[int]) -> float:
    """Probability that a random draw without replacement holds out exactly these counts (hypergeometric).

    >>> round(chance_of_counts([66, 47, 43], [19, 6, 7]), 4)
    0.0032
    """
    if any(held > total for held, total in zip(held_counts, class_counts, strict=True)):
        return 0.0
    ways = math.prod(math.comb(total, held) for total, held in zip(class_counts, held_counts, strict=True))
    return ways / math.comb(sum(class_counts), sum(held_counts))


def candidates(dataset: str) -> pd.DataFrame:
    """Class counts that some source gives, and what the released seed holds out of them.

    Returns
    -------
    DataFrame
        ``source``, ``counts``, ``clips``, ``held_out`` (lists by class), ``reproduces`` Table IV's validation counts,
        ``chance``: with which probability another seed would hold out the printed counts.
    """
    entry, printed = released.released_file(STCNN, dataset), list(validation_counts(dataset).values())
    sources = {
        "labels of the released code": released.class_sizes(STCNN, dataset),
        "Table IV": list(printed_counts(dataset, "total").values()),
    }
    if official := paper.dataset_facts(dataset).get("clips"):
        sources["the dataset's authors"] = [official[name] for name in entry["classes"]]
    full = entry["label_ends"][-1]
    for missing in range(1, 4):  # slices of numpy arrays shorten themselves without a word
        labels = released.assigned_labels(entry["label_ends"], full - missing)
        sources[f"released labels, {missing} file{'s' if missing > 1 else ''} fewer"] = np.bincount(
            labels, minlength=len(printed)
        ).tolist()
    fused = released.class_sizes(FUSENETS[0], dataset)
    if fused != sources["labels of the released code"]:
        sources["labels of the FuseNets' code"] = fused
    seed = entry["splits"][0]["seed"]
    rows = []
    for source, counts in sources.items():
        held = released.held_out_counts(counts, seed)
        rows.append((source, counts, sum(counts), held, held == printed, chance_of_counts(counts, printed)))
    return pd.DataFrame(rows, columns=["source", "counts", "clips", "held_out", "reproduces", "chance"])


def search(dataset: str, radius: int) -> list[list[int]]:
    """All class counts within `radius` of the released labels that give the printed validation counts.

    Parameters
    ----------
    radius : int
        Largest difference in clips of each class; (2 radius + 1)³ splits are drawn, about 2 ms each.
    """
    seed = released.released_file(STCNN, dataset)["splits"][0]["seed"]
    printed = list(validation_counts(dataset).values())
    ranges = [range(max(size - radius, 1), size + radius + 1) for size in released.class_sizes(STCNN, dataset)]
    return [
        list(counts)
        for counts in itertools.product(*ranges)
        if released.held_out(sum(counts)) == sum(printed) and released.held_out_counts(counts, seed) == printed
    ]


def check_split(dataset: str, radius: int) -> Finding:
    """Whether the released seed gives the printed validation counts, for which class counts, and by what chance."""
    table, found = candidates(dataset), search(dataset, radius)
    printed = list(validation_counts(dataset).values())
    own = table[table["source"] == "labels of the released code"].iloc[0]
    fitting = table[table["reproduces"]]
    tried = (2 * radius + 1) ** len(printed)
    failing = "; ".join(
        f"{_slashed(row.counts)} ({row.source}) gives {_slashed(row.held_out)}"
        for row in table[~table["reproduces"]].itertuples()
        if "fewer" not in row.source
    )
    failing = f"{failing}." if failing else ""
    nearby = f"{len(found)} of the {tried} class counts within {radius} of the released labels"
    fits = "; ".join(f"{_slashed(row.counts)} ({row.source})" for row in fitting.itertuples())
    fits = (
        f"{fits} {'give' if len(fitting) > 1 else 'gives'} exactly {_slashed(printed)}, as would "
        f"{fitting['chance'].iloc[0]:.1%} of other seeds and as do {nearby}."
        if len(fitting)
        else f"No recorded source gives {_slashed(printed)}; {nearby} do."
    )
    deciding_first = [fits, failing] if own["reproduces"] else [failing, fits]
    return Finding(
        id=f"split-{_name(dataset)}",
        table=f"IV, {CONFUSION_TABLES[dataset]}",
        statement=f"The released labels and seed give the validation counts {_slashed(printed)} of {TITLES[dataset]}",
        status="holds" if own["reproduces"] else "contradicted",
        evidence=(
            " ".join(filter(None, deciding_first))
        ),
        values={
            "printed": printed,
            "candidates": [
                {"source": row.source, "counts": row.counts, "held_out": row.held_out, "reproduces": row.reproduces}
                for row in table.itertuples()
            ],
            "radius": radius,
            "found": found,
        },
        rests_on="code",
    )  # fmt: skip


def check_smic_labels() -> Finding:
    """What the FuseNets' code for SMIC does to the surprise clips: copies, and labels of the wrong class."""
    entry = released.released_file(FUSENETS[0], "smic")
    clips, classes, labels = released.clips_and_labels(FUSENETS[0], "smic")
    wrong = labels != classes
    by_clip = pd.DataFrame({"clip": clips, "wrong": wrong}).groupby("clip")["wrong"].agg(["sum", "size"])
    doubled = by_clip[by_clip["size"] > 1]
    never = int((doubled["sum"] == doubled["size"]).sum())
    both = int(((doubled["sum"] > 0) & (doubled["sum"] < doubled["size"])).sum())
    names = entry["classes"]
    given = sorted({(names[true], names[label]) for true, label in zip(classes[wrong], labels[wrong], strict=True)})
    copies = len(clips) - len(by_clip)
    return Finding(
        id="smic-labels",
        table="V",
        statement="The FuseNets' code for SMIC uses every clip once, under its own label",
        status="contradicted" if wrong.any() or copies else "holds",
        evidence=(
            f"{len(clips)} entries are made of {len(by_clip)} clips: {copies} are copies. {int(wrong.sum())} entries "
            f"carry a wrong label ({'; '.join(f'*{true}* as *{label}*' for true, label in given) or 'none'}): {never} "
            f"clips carry it in both copies, {both} carries both labels."
        ),
        values={
            "entries": len(clips), "clips": len(by_clip), "copies": copies, "wrong": int(wrong.sum()),
            "wrong_in_both": never, "both_labels": both,
            "labels": dict(zip(names, np.bincount(labels, minlength=len(names)).tolist(), strict=True)),
        },
        rests_on="code",
    )  # fmt: skip


def unshuffled_counts(dataset: str) -> pd.DataFrame:
    """Entries in the two parts of the unshuffled split of the FuseNets' code, by the class that a clip really has.

    Returns
    -------
    DataFrame
        Index class; columns training, held out, and the same two by the label that the code assigns.
    """
    entry = released.released_file(FUSENETS[0], dataset)
    _, classes, labels = released.clips_and_labels(FUSENETS[0], dataset)
    parts = dict(zip(("training", "held out"), released.unshuffled_parts(len(classes)), strict=True))
    counted = {name: np.bincount(classes[part], minlength=3) for name, part in parts.items()}
    counted |= {f"{name}, by label": np.bincount(labels[part], minlength=3) for name, part in parts.items()}
    return pd.DataFrame(counted, index=entry["classes"])


def check_unshuffled() -> Finding:
    """What the last version's unshuffled split leaves in its parts, and which printed accuracies it cannot give.

    A class without a training clip is never predicted, except by accident of the initial weights: the ceiling is the
    share of entries whose label has one.
    """
    told, impossible, counts = [], {}, {}
    for dataset in paper.DATASETS:
        if released.released_file(FUSENETS[0], dataset)["splits"][-1]["shuffled"]:
            continue
        table = unshuffled_counts(dataset)
        counts[dataset] = {name: column.tolist() for name, column in table.items()}
        absent = table.index[table["training, by label"] == 0].tolist()
        held = table["held out"]
        told.append(
            f"{TITLES[dataset]}: training {_counted(table['training'])}, held out {_counted(held[held > 0])}"
            + (f"; no {', '.join(absent)} clip to learn from" if absent else "")
        )
        by_label = table["training, by label"] + table["held out, by label"]
        ceiling = 100 * (1 - by_label[absent].sum() / by_label.sum())
        for model in FUSENETS:
            percent = 100 * paper.accuracy(model, dataset)
            if percent > ceiling + 0.005:
                impossible[f"{model} {dataset}"] = {"percent": round(percent, 2), "ceiling": round(ceiling, 2)}
                told.append(
                    f"a network that never answers {', '.join(absent)} scores at most {ceiling:.2f} %, less than the "
                    f"{percent:.2f} % of {paper.METHOD_NAMES[model]}, which the last version cannot have given"
                )
    return Finding(
        id="unshuffled-split",
        table="V",
        statement="The last released version of the FuseNets' code can have given Table V's accuracies",
        status="contradicted" if impossible else "note",
        evidence=f"{'. '.join(one[:1].upper() + one[1:] for one in told) or 'The last version shuffles'}.",
        values={"impossible": impossible, "counts": counts},
        rests_on="code",
    )


def check_unseeded_pairs() -> Finding:
    """What two draws without a seed pair: how often the eyes and the mouth are of one clip, and of one class.

    For n clips, a position of the training part holds the same clip in both draws with probability 1/n, and clips of
    one class with the sum of squared class shares.
    """
    values, told = {}, []
    for dataset in paper.DATASETS:
        first = released.released_file(FUSENETS[1], dataset)["splits"][0]
        if first["seed"] is not None or not first["shuffled"]:
            continue  # both draws are the same
        labels = released.clips_and_labels(FUSENETS[1], dataset)[2]
        n = len(labels)
        training = n - released.held_out(n)
        same_clip = training / n
        same_class = float(np.sum((np.bincount(labels) / n) ** 2))
        values[dataset] = {"training": training, "same_clip": round(same_clip, 3), "same_label": round(same_class, 3)}
        told.append(
            f"{TITLES[dataset]}: of {training} training pairs {same_clip:.1f} on average join eyes and mouth of one "
            f"entry, and {same_class:.0%} join two of one label"
        )
    return Finding(
        id="unseeded-pairs",
        table="V",
        statement="The first released version of the FuseNets' code fuses the eyes and the mouth of one clip",
        status="contradicted" if values else "holds",
        evidence=f"Eyes and mouths are drawn apart and without a seed. {'; '.join(told)}."
        if values
        else "Eyes and mouths are split alike.",
        values=values,
        rests_on="code",
    )


def versions() -> pd.DataFrame:
    """The released versions of the FuseNets' four files, and whether they can have given the published numbers.

    Returns
    -------
    DataFrame
        ``path``; ``since``: when the version came; ``split``: how it splits; ``pairs``: whether it trains on the eyes
        and the mouth of one clip, that is, one stream holds eyes, the other mouths, and both are split alike, with a
        seed or unshuffled; ``in_time``: whether it came no later than the day of the published numbers.
    """
    published = paper.released_code()["numbers_published"]["date"]
    rows = []
    for entry in released.fusenet_files():
        both = len(set(entry["streams"])) == 2
        for split in entry["splits"]:
            alike = split["seed"] is not None or not split["shuffled"]
            how = f"seed {split['seed']}" if alike else "two draws without a seed"
            how = how if split["shuffled"] else "unshuffled"
            rows.append(
                (entry["path"], split["since"], how, both and alike, split["since"][: len(published)] <= published)
            )
    return pd.DataFrame(rows, columns=["path", "since", "split", "pairs", "in_time"])


def check_fused_version() -> Finding:
    """Whether Table V's FuseNets were trained on the eyes and the mouth of one clip: what versions of their time "
    "allow."""
    table, published = versions(), paper.released_code()["numbers_published"]["date"]
    in_time, later = table[table["in_time"]], table[~table["in_time"]]
    status = "holds" if in_time["pairs"].all() else "note" if in_time["pairs"].any() else "contradicted"
    return Finding(
        id="fused-version",
        table="V",
        statement="Table V's FuseNets were trained on the eyes and the mouth of one clip",
        status=status,
        evidence=(
            f"The numbers were public on {published}. Of the {len(in_time)} files released by then "
            f"{int(in_time['pairs'].sum())} "
            "pair the eyes and the mouth of one clip"
            + (
                f"; the first that do came on {later.loc[later['pairs'], 'since'].min()}."
                if later["pairs"].any()
                else "."
            )
        ),
        values={"published": published, "versions": table.to_dict("records")},
        rests_on="code",
    )


def check_casme2_readings() -> Finding:
    """Whether Table IV, MicroExpSTCNN's code and the FuseNets' code mean the same clips of CAS(ME)²."""
    own, fused = (released.released_file(model, "casme2_sq") for model in (STCNN, FUSENETS[0]))
    total = int(paper.class_counts("casme2_sq").set_index("class").loc["all", "total"])
    n_fused = fused["label_ends"][-1]
    shortened = released.assigned_labels(own["label_ends"], n_fused)
    wrong = int((shortened != released.assigned_labels(fused["label_ends"], n_fused)).sum())
    counts = np.bincount(shortened, minlength=len(own["classes"])).tolist()
    held = released.held_out_counts(counts, own["splits"][0]["seed"])
    same = total == own["label_ends"][-1] == n_fused
    return Finding(
        id="casme2-sq-readings",
        table="IV, VI",
        statement="Table IV, MicroExpSTCNN's code and the FuseNets' code mean the same clips of CAS(ME)²",
        status="holds" if same else "contradicted",
        evidence=(
            f"Table IV and MicroExpSTCNN's code count {total}, the FuseNets' code "
            f"{_slashed(released.class_sizes(FUSENETS[0], 'casme2_sq'))} "
            f"= {n_fused}. On {n_fused} files MicroExpSTCNN's slices give {_slashed(counts)}, with {wrong} clips "
            "under a wrong "
            f"label, and its seed holds out {_slashed(held)}, "
            + (
                "exactly Table VI's rows."
                if held == list(validation_counts("casme2_sq").values())
                else "not Table VI's rows."
            )
            if not same
            else f"All count {total}."
        ),
        values={"printed": total, "fused": n_fused, "counts": counts, "mislabelled": wrong, "held_out": held},
        rests_on="code",
    )


def _name(dataset: str) -> str:
    return dataset.replace("_", "-")


def _slashed(numbers: Sequence[int]) -> str:
    return "/".join(map(str, numbers))


def _counted(counts: pd.Series) -> str:
    return ", ".join(f"{count} {name}" for name, count in counts.items())
