"""Sentences of chapter 7 that state a number or a finding, made from the study's table. Each returns Markdown."""

from collections.abc import Mapping, Sequence

import pandas as pd
from IPython.display import Markdown
from pandas.io.formats.style import Styler

from lib.audit.kernels import check_constant, check_lattice
from lib.report.kernel_study import PAPER_KERNEL, Kernel, name_of
from lib.report.wording import count, points
from lib.training.records import RunConfig

STANDIN = " Measured on a **stand-in**: it says how the method behaves, nothing about the paper's data."


def published_display(published: pd.DataFrame) -> pd.DataFrame:
    """`kernel_study.published_table` as text; the column of constant answers only where some cell has one's score."""
    table = pd.DataFrame({
        "kernel": [name_of(kernel) for kernel in published["kernel"]],
        "accuracy": [f"{value:.2f} %" for value in published["accuracy"]],
        "score of a constant answer": [f"always {name}" if name else "" for name in published["constant"]],
    }).set_index("kernel")  # fmt: skip
    return table if published["constant"].any() else table.drop(columns="score of a constant answer")


def paper_sentences() -> str:
    """What follows from Table IX without any data."""
    return f"{check_constant().evidence} {check_lattice().evidence}"


def plan_sentences(planned: Sequence[RunConfig], misfits: Mapping[Kernel, str]) -> str:
    """How many runs were asked for, where they depart from the paper, and which kernels do not fit the volume."""
    if not planned:
        return "Nothing is planned: give at least one kernel, one learning rate and one seed."
    kernels, rates, seeds = (
        list(dict.fromkeys(getattr(config, name) for config in planned))
        for name in ("kernel_size", "learning_rate", "seed")
    )
    text = (
        f"{count(len(kernels), 'kernel')} at {count(len(rates), 'learning rate')} with {count(len(seeds), 'seed')}: "
        f"{count(len(planned), 'run')}."
    )
    published = RunConfig(planned[0].model)
    different = [
        f"{name.replace('_', ' ')} {getattr(planned[0], name)} instead of {getattr(published, name)}"
        for name in ("epochs", "batch_size", "learning_rate")
        if getattr(planned[0], name) != getattr(published, name)
    ]
    if different:
        text += f" **Different from the paper** and its released code: {'; '.join(different)}."
    for reason in dict.fromkeys(misfits.values()):
        named = _listed([name_of(kernel) for kernel, why in misfits.items() if why == reason])
        text += f" **Not trained: {named}**, because {reason}."
    return text


def outcome_sentences(table: pd.DataFrame) -> str:
    """What became of the planned runs, and which kernels of the twelve have none."""
    fits = table[table["status"] != "does not fit"]
    planned, done = int(fits["planned"].sum()), int(table["finished"].sum())
    parts = [f"**{done} of {planned} runs** of kernels that fit {'is' if done == 1 else 'are'} finished"]
    for column, word in (("failed", "diverged"), ("missing", "not trained")):
        for rate, rows in table[table[column] > 0].groupby("learning_rate", sort=False):
            number, counts = int(rows[column].sum()), set(rows[column])
            if number == fits.loc[fits["learning_rate"] == rate, "planned"].sum():
                named = "all of them"
            elif len(rows) > 1 and len(counts) == 1:
                named = f"{counts.pop()} each of {_listed(list(rows['name']))}"
            else:
                named = _listed([f"{row['name']} ({row[column]})" for row in rows.to_dict("records")])
            parts.append(f"{number} {word} at learning rate {rate:g}: {named}")
    left_out = list(dict.fromkeys(table.loc[table["status"] == "not planned", "name"]))
    if left_out:
        parts.append(f"not in this page's list: {_listed(left_out)}")
    return "; ".join(parts) + "."


def accuracy_sentences(table: pd.DataFrame, learning_rate: float, standin: bool) -> str:
    """How far the kernels lie apart, beside how far the seeds of one kernel do."""
    rows = table[(table["learning_rate"] == learning_rate) & (table["finished"] > 0)]
    if rows.empty:
        return f"No run at learning rate {learning_rate:g} is finished, so there is no accuracy to compare."
    best, n = rows["accuracy_best"].astype(float), int(rows["n"].iloc[0])
    top, bottom = rows.loc[best.idxmax(), "name"], rows.loc[best.idxmin(), "name"]
    text = (
        f"At learning rate {learning_rate:g} the kernels' mean accuracies at the best epoch run from {best.min():.1%} "
        f"({bottom}) to **{best.max():.1%}** ({top})."
        if len(rows) > 1
        else f"At learning rate {learning_rate:g} only {top} has a finished run, with {best.max():.1%} at the best "
        "epoch: there is no other kernel to compare it with."
    )
    text += f" One of the {count(n, 'validation clip')} more or less is {100 / n:.1f} points."
    repeated = rows[rows["finished"] > 1]
    if len(repeated):
        ranges = (repeated["high_best"] - repeated["low_best"]).astype(float)
        widest = repeated.loc[ranges.idxmax(), "name"]
        less = len(rows) > 1 and best.max() - best.min() <= ranges.max()
        text += (
            f" Seeds of one and the same kernel lie up to {100 * ranges.max():.1f} points apart ({widest})"
            + ("; kernels differ by less than that." if less else ".")
        )  # fmt: skip
    if len(rows) > 1 and (single := int((rows["finished"] == 1).sum())):
        text += (
            " With one seed of each kernel, seed and kernel cannot be told apart."
            if single == len(rows)
            else f" {single} of the {len(rows)} kernels {'has' if single == 1 else 'have'} one finished seed: there, "
            "seed and kernel cannot be told apart."
        )
    gain = (best - rows["accuracy_last"].astype(float)).mean()
    text += f" Reporting the best epoch instead of the last is worth {points(gain)} on average."
    return text + (STANDIN if standin else "")


def collapse_sentences(table: pd.DataFrame, learning_rate: float, standin: bool) -> str:
    """How many runs end with one class for every clip, which class, and whether they ever gave another answer."""
    rows = table[(table["learning_rate"] == learning_rate) & (table["finished"] > 0)]
    done, collapsed = int(rows["finished"].sum()), int(rows["constant_last"].sum())
    if not done:
        return f"No run at learning rate {learning_rate:g} is finished."
    if not collapsed:
        none = f"none of {done} finished runs ends" if done > 1 else "the one finished run does not end"
        text = f"At learning rate {learning_rate:g} **{none} in one class**."
    else:
        hit = rows[rows["constant_last"] > 0]
        classes = pd.Series([name for names in hit["classes"] for name in names]).value_counts()
        since = [epoch for epochs in hit["since"] for epoch in epochs]
        text = (
            f"At learning rate {learning_rate:g} **{collapsed} of {count(done, 'finished run')} "
            f"{'ends' if collapsed == 1 else 'end'} in one class** for every validation clip "
            f"({', '.join(f'*{name}* {number}' for name, number in classes.items())}), "
            f"with {_listed(list(hit['name']))}. "
        )
        if later := [epoch for epoch in since if epoch > 1]:
            verb = "is" if len(later) == 1 else "are"
            text += (
                f"{len(later)} gave other answers first, and {verb} at that class's share since epoch {_span(later)}. "
            )
        if never := len(since) - len(later):
            text += f"{never} {'was' if never == 1 else 'were'} there from the first epoch to the last."
        text = text.rstrip()
    best = int(rows["constant_best"].sum())
    text += (
        f" At their best epoch, which is what the paper reports, {best} of {done} "
        f"{'gives' if best == 1 else 'give'} a constant answer."
        if best or collapsed
        else ""
    )
    return text + (STANDIN if standin else "")


def collapse_display(collapsed: pd.DataFrame, finished: int) -> Styler | Markdown:
    """`kernel_study.collapse_table` as it is shown, or a line that says of how many finished runs there is none."""
    if collapsed.empty:
        return Markdown(f"None of {count(finished, 'finished run')}." if finished else "No run is finished.")
    return collapsed.style.hide().format({"learning rate": "{:g}", "its share of the clips": "{:.1%}"})


def cost_display(costs: pd.DataFrame, times: pd.DataFrame) -> Styler:
    """Counted costs and measured times of each kernel, one a row."""
    counted = costs.rename(columns={"macs": "multiply-adds", "flops": "FLOPs"})
    measured = times[["seconds", "ratio"]].rename(
        columns={"seconds": "seconds per epoch, with other work", "ratio": f"ratio to {name_of(PAPER_KERNEL)}"}
    )
    table = counted.join(measured).style.format("{:,}", na_rep="–", subset=list(counted))
    return table.format("{:.2f}", na_rep="–", subset=list(measured))


def rate_sentences(table: pd.DataFrame, standin: bool) -> str:
    """Of the kernels that collapse at the first learning rate, how many do so at each other one, and what follows."""
    rates = list(table["learning_rate"].unique())
    if len(rates) < 2:
        return (
            f"All runs have the learning rate {rates[0]:g}; whether a collapse comes from the kernel or from the "
            "optimiser takes a second one."
        )
    by_rate = {rate: table[table["learning_rate"] == rate].set_index("name") for rate in rates}
    first = by_rate[rates[0]]
    if not first["finished"].sum():
        return f"No run at learning rate {rates[0]:g} is finished, so there is no collapse that another could undo."
    collapsed = first.index[first["constant_last"] > 0]
    text = ["Runs that end in one class: " + ", ".join(
        f"{int(rows['constant_last'].sum())} of {int(rows['finished'].sum())} at learning rate {rate:g}"
        + (f" (and {int(rows['failed'].sum())} diverged)" if rows["failed"].sum() else "")
        for rate, rows in by_rate.items()
        if rows["finished"].sum() + rows["failed"].sum()
    ) + "."]  # fmt: skip
    diverged = first.index[first["failed"] > 0]
    for rate in rates[1:]:
        text.append(_other_rate(by_rate[rate], collapsed, rates[0], rate))
        if len(diverged):
            cured = by_rate[rate].loc[diverged, "status"].eq("finished").sum()
            text.append(
                f"Of {count(len(diverged), 'kernel')} that diverged at {rates[0]:g}, {cured} finished all runs there."
            )
    return " ".join(text) + (STANDIN if standin else "")


def _other_rate(other: pd.DataFrame, collapsed: pd.Index, rate: float, changed: float) -> str:
    if not other["finished"].sum():
        return f"No run at {changed:g} is finished, so nothing can be said about it."
    if collapsed.empty:
        newly = other.index[other["constant_last"] > 0]
        return f"No kernel collapses at {rate:g}" + (
            f"; at {changed:g}, {_listed(list(newly))} {'does' if len(newly) == 1 else 'do'}: steps too small for the "
            "number of epochs have that effect too."
            if len(newly)
            else f", and none at {changed:g}."
        )
    tried = [name for name in collapsed if other.loc[name, "finished"] > 0]
    again = [name for name in tried if other.loc[name, "constant_last"] > 0]
    text = (
        f"Of the **{count(len(collapsed), 'kernel')}** with a collapsed run at {rate:g}, {len(tried)} "
        f"{'was' if len(tried) == 1 else 'were'} repeated at {changed:g}, and **{len(again)} of these** "
        f"{'has' if len(again) == 1 else 'have'} a collapsed run there too"
    )
    if not tried:
        return f"{text}: nothing can be concluded."
    if not again:
        return f"{text}: that points to the size of the steps, not to the kernel."
    if len(again) == len(tried):
        never = all(epoch == 1 for name in again for epoch in other.loc[name, "since"])
        slow = " (there, none of them ever left that answer: too few steps would look the same)" if never else ""
        return f"{text}: this change of the learning rate does not undo it{slow}."
    return f"{text} ({_listed(again)}): kernel and learning rate both have a part in it."


def cost_sentences(costs: pd.DataFrame, times: pd.DataFrame) -> str:
    """What 3x3x15 costs, how cost goes with the kernel's size, and what was measured on which device."""
    known, own = costs.dropna(), name_of(PAPER_KERNEL)
    text = []
    if own in known.index and len(known):
        flops, parameters = known["flops"].astype(float), known["parameters"].astype(float)
        text.append(
            f"{own} has {int(parameters[own]):,} parameters and takes {flops[own] / 1e9:.2f} GFLOPs for a clip. "
            f"The cheapest kernel, {flops.idxmin()}, takes {flops.min() / flops[own]:.2f} times as many FLOPs, the "
            f"dearest, {flops.idxmax()}, {flops.max() / flops[own]:.1f} times. Parameters run from "
            f"{parameters.min() / parameters[own]:.2f} ({parameters.idxmin()}) to "
            f"{parameters.max() / parameters[own]:.2f} times ({parameters.idxmax()})"
        )
        # a larger kernel leaves a smaller volume to the first dense layer, where nearly all parameters are
        text[-1] += (
            ": the kernel with the most FLOPs is not the one with the most parameters, because a larger kernel leaves "
            "a smaller volume to the first dense layer."
            if flops.idxmax() != parameters.idxmax()
            else "."
        )
    if times.empty:
        return " ".join([*text, "No time was measured, as no run is finished."])
    text.append(
        f"Times are medians over the epochs of the runs, on one device ({times['device'].iloc[0]}). They include other "
        "work on the machine, each run's its own: they say how long a training takes, not which kernel is the faster."
    )
    return " ".join(text)


def _span(numbers: Sequence[int]) -> str:
    return f"{min(numbers)}" if min(numbers) == max(numbers) else f"{min(numbers)} to {max(numbers)}"


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
