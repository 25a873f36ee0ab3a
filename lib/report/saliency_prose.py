"""Sentences and tables of the chapter on saliency maps, made from its results. Sentences are Markdown."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from pandas.io.formats.style import Styler

from lib.saliency.maps import NOT_KEPT
from lib.saliency.measures import MOVING
from lib.saliency.regions import PARTITIONS

PERMUTED, INITIAL = "permuted labels", "initial weights"  # the other networks of the sanity checks
NOTHING = "Nothing was measured."
OF_CLIPS = "the intervals are over clips and do not cover other seeds"


def network_sentences(reasons: Mapping[str, str]) -> str:
    """Which networks there are; `reasons` says for each why it is missing, or is empty."""
    missing = [f"**There is no network {name}**: {reason}." for name, reason in reasons.items() if reason]
    return " ".join(missing) or "Both networks for comparison are there."


def answer_sentences(predicted: np.ndarray, truth: np.ndarray, maps: Sequence[np.ndarray], missing: str = "") -> str:
    """How right the explained answers are, and how many clips have no map; `missing`: why there is no network."""
    if missing:
        remedy = (
            "Build the book without `TRAIN=no`, or execute this notebook with `train_missing` true: the network is "
            "then trained, and its weights are kept in `data/weights/`."
            if missing == NOT_KEPT
            else "Another seed or a smaller learning rate gives another network."
        )
        return (
            f"**Nothing is measured on this page: there is no network to explain**, as {missing}. {remedy} What "
            "follows tells how maps are made and measured, without a figure, a table or a finding."
        )
    right = int((predicted == truth).sum())
    text = (
        f"Maps explain the network's own answer to {len(predicted)} validation clips; {right} of them "
        f"{'is' if right == 1 else 'are'} right."
    )
    if len(predicted) > 1 and len(np.unique(predicted)) == 1:
        text += " **It answers the same class to all of them**: what its maps show is not what tells classes apart."
    silent = int((sum(part.sum(axis=(1, 2, 3)) for part in maps) == 0).sum())
    if silent:
        text += (
            f" **{silent} {'clip has' if silent == 1 else 'clips have'} no saliency**: no small change of any pixel "
            "raises the score. What follows is measured without them."
        )
    return text


def seen_sentences(input_shape: Sequence[int], seen: Sequence[int]) -> str:
    """What of its input a network cannot see; `lib.saliency.maps.seen_size` computes it."""
    lost = [
        f"the last {size - reach} {name}" if size - reach > 1 else f"the last {name.removesuffix('s')}"
        for name, size, reach in zip(("rows", "columns", "frames"), input_shape, seen, strict=True)
        if reach < size
    ]
    if not lost:
        return "The network can see every pixel of its input."
    return (
        f"The network cannot see {_listed(lost)} of its input: the pool drops what does not fill its window. Saliency "
        "is zero there, and the area below is counted without it."
    )


def share_display(tables: Mapping[str, pd.DataFrame], standin: bool) -> Styler | None:
    """Each of `lib.saliency.measures.share_table` as text, one row for each region; None where no clip has saliency."""
    if all(table["share"].isna().all() for table in tables.values()):
        return None
    shown = pd.concat({partition: _share_texts(table) for partition, table in tables.items()})
    return shown.rename_axis(["regions by", "region"]).style.set_caption(f"saliency by region{_mark(standin)}")


def _share_texts(table: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "share of the area": [_percent(value) for value in table["area"]],
            "share of the saliency": [_interval(row, "share", _percent) for _, row in table.iterrows()],
            "ratio": [_interval(row, "ratio", _number) for _, row in table.iterrows()],
            "with random weights": [_interval(row, "random", _percent) for _, row in table.iterrows()],
            "trained less random, in points": [_interval(row, "gain", _in_points) for _, row in table.iterrows()],
        },
        index=table.index,
    )


def share_sentences(tables: Mapping[str, pd.DataFrame]) -> str:
    """Where saliency is denser than the area alone would have it, for each way to draw the regions."""
    if all(table["share"].isna().all() for table in tables.values()):
        return NOTHING
    sentences = []
    for partition, table in tables.items():
        if table["ratio_low"].isna().all():
            sentences.append(f"With regions by *{partition}*, there are too few clips for intervals.")
            continue
        dense, sparse = (
            [f"*{name}* ({row['ratio']:.2f} times its area)" for name, row in table.iterrows() if found(row)]
            for found in (lambda row: row["ratio_low"] > 1, lambda row: row["ratio_high"] < 1)
        )
        named = [
            f"{how} than the area in {_listed(names)}"
            for how, names in (("denser", dense), ("thinner", sparse))
            if names
        ]
        sentences.append(
            f"With regions by *{partition}* ({PARTITIONS[partition]}), saliency is "
            + (_listed(named) if named else "nowhere clearly denser or thinner than the area")
            + "."
        )
    return " ".join([*sentences, f"These are maps of one network: {OF_CLIPS}."])


def motion_display(summary: Mapping[str, Mapping], standin: bool) -> Styler | None:
    """`lib.saliency.measures.motion_summary` as a table of text; None where nothing could be compared."""
    if not any(found["n"] for found in summary.values()):
        return None
    game = summary["pointing_game"]
    rows = {
        "largest saliency lies where the face moves": (game, _percent, _percent(game["chance"])),
        "rank correlation with motion, all pixels": (summary["spearman"], _signed, _signed(0.0)),
        "rank correlation with motion, pixels of the face": (summary["spearman_in_face"], _signed, _signed(0.0)),
    }
    return pd.DataFrame(
        {
            name: {
                "here": form(found["value"]),
                "95 % interval": _range(found["low"], found["high"], form),
                "of a blind map": blind,
                "clips": found["n"],
            }
            for name, (found, form, blind) in rows.items()
        }
    ).T.style.set_caption(f"saliency and motion{_mark(standin)}")


def motion_sentences(summary: Mapping[str, Mapping], standin: bool) -> str:
    """What the pointing game and the correlations come to."""
    if not any(found["n"] for found in summary.values()):
        return NOTHING
    source = (
        "The motion is the truth with which the stand-in was drawn, without the sway of the head."
        if standin
        else "The motion is an estimate, dense optical flow from the first frame, and movement of the head is in it."
    )
    game, inside = summary["pointing_game"], summary["spearman_in_face"]
    if not game["n"]:
        return f"{source} No clip has both saliency and motion, so that nothing can be compared."
    chance = game["chance_in_face"]
    if chance is None or game["low"] <= chance <= game["high"]:
        played = "not clearly more or less often than a random pixel of the face would"
    else:
        played = f"{'more' if game['low'] > chance else 'less'} often than a random pixel of the face would"
    text = (
        f"{source} In {game['hits']} of {game['n']} clips the pixel with the largest saliency moves at least "
        f"{MOVING:.0%} as far as the one that moves most: {played}"
        + (f" ({_percent(chance)})." if chance is not None else ".")
    )
    if inside["low"] is not None:
        if inside["low"] > 0:
            found = "within the face, more saliency lies where there is more motion"
        elif inside["high"] < 0:
            found = "within the face, saliency lies where there is *less* motion"
        else:
            found = "within the face, the interval of the correlation includes zero: the maps do not follow the motion"
        text += f" And {found} (mean correlation {inside['value']:+.2f})."
    return text


def sanity_sentences(cascade: pd.DataFrame, others: pd.DataFrame) -> str:
    """Whether the maps depend on weights and labels, as they must to show anything that was learned."""
    if cascade.empty:
        return NOTHING
    last = cascade.iloc[-1]
    if pd.isna(last["spearman"]):
        return "With random weights no clip has saliency, so that the check by random weights cannot be made."
    text = (
        f"With every layer random the maps correlate by {_interval(last, 'spearman', _signed)} with those of the "
        f"trained network (SSIM {_interval(last, 'ssim', _number)}): part of that is geometry, since pixels at the "
        "border and frames at the ends enter fewer windows of any network."
    )
    first = cascade.iloc[0]
    if len(cascade) > 1 and pd.notna(first["spearman"]):
        text += f" Making only `{first['step']}` random leaves {_interval(first, 'spearman', _signed)}."
    by_step = others.set_index("step").dropna(subset=["spearman"])
    relabelled, initial = (by_step.loc[name] if name in by_step.index else None for name in (PERMUTED, INITIAL))
    if relabelled is not None:
        text += (
            " A network trained on permuted labels, which can only learn the clips by heart, has maps that correlate "
            f"by {_interval(relabelled, 'spearman', _signed)}."
        )
    if initial is not None:
        text += (
            " With the weights that training began with, maps already correlate by "
            f"{_interval(initial, 'spearman', _signed)} with those it ended with."
        )
    if relabelled is not None and initial is not None:
        more = relabelled["spearman"] - initial["spearman"]
        text += (
            " Both trained networks share that beginning. Whatever else their maps share shows the clips and not the "
            f"classes, since their labels agree by chance only: it changes the correlation by {more:+.2f}, "
            f"where {1 - initial['spearman']:+.2f} would make the maps the same."
        )
    return f"{text} One network each: {OF_CLIPS}."


def _mark(standin: bool) -> str:
    return ", stand-in" if standin else ""


def _listed(names: Sequence[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def _interval(row: Mapping, name: str, form) -> str:
    value = form(row[name])
    between = _range(row[f"{name}_low"], row[f"{name}_high"], form)
    return f"{value} ({between})" if between != "–" else value


def _range(low: float | None, high: float | None, form) -> str:
    return "–" if pd.isna(low) or pd.isna(high) else f"{form(low)} to {form(high)}"


def _formatted(pattern: str):
    return lambda value: "–" if pd.isna(value) else pattern.format(value)


_percent, _number, _signed = _formatted("{:.1%}"), _formatted("{:.2f}"), _formatted("{:+.2f}")


def _in_points(share: float) -> str:
    return "–" if pd.isna(share) else f"{100 * share:+.1f}"
