"""Tables that several chapters show, with the paper's values beside ours, and how a table is shown."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from pandas.io.formats.style import Styler

from lib.audit import paper, released
from lib.audit.architectures import misprints
from lib.audit.counts import matrix
from lib.audit.released import FUSENETS, released_settings
from lib.core.errors import ConfigError
from lib.report.figures import STANDIN
from lib.report.wording import percent
from lib.training.inputs import fold_plan
from lib.training.records import RunConfig, RunRecord, settings_of


def architecture(ours: pd.DataFrame, model: str, depth: int) -> pd.DataFrame:
    """A network's layers beside the paper's table of them.

    `ours` is of `lib.networks.layers.architecture_table`: its sizes are written as the paper does, channels first, and
    the paper's stand beside them. The paper prints its tables for `depth` 96; at another its column is left out. A
    printed size that the layer arithmetic contradicts is marked with a cross; a layer that only the paper has stands
    last.
    """
    table = ours.assign(output_shape=[_channels_first(shape) for shape in ours["output_shape"]])
    table = table.rename(columns={"output_shape": "output"}).set_index("layer")
    if depth == 96:
        printed = paper.architecture(model).set_index("layer")["output"]
        for layer in misprints(model):
            printed[layer] += " ✗"
        for layer in printed.index.difference(table.index, sort=False):  # in the paper's table, not in its code
            table.loc[layer] = {"kind": "not in the code", "output": "", "parameters": 0}
        table[f"paper, Table {paper.ARCHITECTURE_TABLES[model]}"] = printed.reindex(table.index).fillna("")
    return table.rename_axis(None)


def _channels_first(shape: tuple[int, ...]) -> str:
    """(62, 62, 82, 32) as 32x62x62x82; a volume without channels and a vector stay as they are."""
    ordered = (shape[-1], *shape[:-1]) if len(shape) == 4 else shape
    return "x".join(str(size) for size in ordered)


def settings(config: RunConfig, dataset: str) -> pd.DataFrame:
    """A run's settings, a column each, beside the published ones.

    Rows: ``here``; ``published``, the paper's or, where it is silent, the released code's; and for a dataset of the
    paper ``released code``, what that does itself where it is known.
    """
    rows = {"here": settings_of(config), "published": settings_of(RunConfig(config.model))}
    if dataset in paper.DATASETS:
        rows["released code"] = released_settings(config.model, dataset)
    table = pd.DataFrame.from_dict(rows, orient="index").astype(object).fillna("")
    return table.rename(columns=lambda name: name.replace("_", " "))


def divided(config: RunConfig, store) -> tuple[np.ndarray, np.ndarray]:
    """Positions in a store of the clips that a run trains on and of those that it is scored on.

    `ConfigError` where its protocol divides the clips several times.
    """
    samples, folds = fold_plan(config, store)
    if len(folds) > 1:
        raise ConfigError(
            f"protocol: expected one that divides the clips once, found {config.protocol!r} with {len(folds)} folds; "
            "chapter 11_rigorous trains a network for each"
        )
    return samples.clips[folds[0].train], samples.clips[folds[0].validation]


def split(store, training: np.ndarray, validation: np.ndarray) -> pd.DataFrame:
    """Clips of each class among those at these positions of a store, with their sum as ``all``.

    Columns ``training``, ``validation``, and for a dataset of the paper ``validation, paper``, as Table IV prints it.
    """
    parts = {"training": training, "validation": validation}
    table = pd.DataFrame({name: store.clips["label"].iloc[clips].value_counts() for name, clips in parts.items()})
    table = table.reindex(store.classes).fillna(0).astype(int)
    table.loc["all"] = table.sum()
    if store.dataset in paper.DATASETS:
        table["validation, paper"] = paper.class_counts(store.dataset)["validation"]
    return table


def scores(record: RunRecord, dataset: str) -> Styler:
    """What one training scores at its best and its last epoch and over its last ten.

    Beside it stand what the commonest class scores and, for a dataset of the paper, the paper's accuracy. ``low`` and
    ``high`` are Wilson's 95 % limits, ``sd`` is the standard deviation between the last ten epochs.
    """
    summary = record.summary()
    names = {"accuracy": "accuracy", "low": "wilson_low", "high": "wilson_high", "UF1": "uf1", "UAR": "uar"}
    rows = {f"{at} epoch": {title: summary[f"{name}_{at}"] for title, name in names.items()} for at in ("best", "last")}
    mean, sd = summary["accuracy_mean_last_epochs"], summary["accuracy_std_last_epochs"]
    rows["mean of the last ten"] = {"accuracy": mean, "sd": sd}
    rows["always the commonest class"] = {"accuracy": summary["majority_share"]}
    if dataset in paper.DATASETS:
        clips = "all real clips" if record.config.model in FUSENETS else "the real dataset"
        rows[f"paper, on {clips}"] = {"accuracy": paper.accuracy(record.config.model, dataset)}
    table = pd.DataFrame(rows).T[["accuracy", "low", "high", "sd", "UF1", "UAR"]]
    formats = dict.fromkeys(table, percent) | dict.fromkeys(("UF1", "UAR"), "{:.3f}")
    formats |= {"accuracy": lambda share: percent(share, 2), "sd": lambda sd: f"{100 * sd:.1f} points"}
    return marked(table, record.provenance["data"]["standin"] is not None).format(formats, na_rep="")


def marked(table: pd.DataFrame, standin: bool) -> Styler:
    """A table of scores ready to be shown; on a stand-in it says so: tables travel without their page."""
    style = table.rename_axis(index=[None] * table.index.nlevels).style  # names of the index would take a line
    return style.set_caption(STANDIN) if standin else style


def published_matrices(dataset: str, classes: Sequence[str]) -> dict[str, np.ndarray]:
    """The paper's confusion matrix of MicroExpSTCNN by its title; empty if there is none of these classes."""
    if dataset not in paper.DATASETS or list(classes) != released.classes(dataset):
        return {}
    return {f"paper's Table {paper.CONFUSION_TABLES[dataset]}": matrix(dataset).to_numpy()}


def one_of_each_class(clips: pd.DataFrame, classes: Sequence[str]) -> list[int]:
    """Positions of a clip of each class in a table with ``label`` and ``subject``, of different people if possible.

    A class without a clip has none.
    """
    chosen, people = [], set()
    for label in classes:
        candidates = np.flatnonzero(clips["label"] == label)
        others = [row for row in candidates if clips["subject"].iloc[row] not in people]
        for row in (others or candidates.tolist())[:1]:
            chosen.append(int(row))
            people.add(clips["subject"].iloc[row])
    return chosen


def quality_summary(quality: pd.DataFrame) -> pd.DataFrame:
    """Median, worst and best of every number in a quality table."""
    numbers = quality.select_dtypes("number")
    return pd.DataFrame({"median": numbers.median(), "minimum": numbers.min(), "maximum": numbers.max()})


def readable(table: pd.DataFrame, widths: Mapping[str, str] | None = None) -> Styler:
    """A table of text, without its index: lines are broken, nothing is cut.

    `widths` are those of columns, as in ``{"switch": "20%"}``; with them, names of files are broken too.
    """
    style = (
        table.style.hide(axis="index")
        .set_properties(**{"text-align": "left", "white-space": "normal", "vertical-align": "top"})
        .set_table_styles([{"selector": "th", "props": "text-align: left"}])
    )
    if not widths:
        return style
    columns = {name: [{"selector": "th", "props": f"width: {width}"}] for name, width in widths.items()}
    return (
        style.set_table_attributes('style="table-layout: fixed; width: 100%"')
        .set_properties(**{"overflow-wrap": "anywhere"})
        .set_table_styles(columns, overwrite=False)
    )


def files_text(paths: Sequence[str]) -> str:
    """Files of the released code as a cell shows them; in few words if they are all of some networks or datasets."""
    networks = {
        "all": tuple(paper.METHOD_NAMES),
        "MicroExpFuseNet": FUSENETS,
        **{name: (model,) for model, name in paper.METHOD_NAMES.items()},
    }
    places = {"": paper.DATASETS, **{f" on {title}": (name,) for name, title in paper.DATASET_TITLES.items()}}
    for name, models in networks.items():
        for title, datasets in places.items():
            entries = [one for one in paper.released_files() if one["model"] in models and one["dataset"] in datasets]
            if len(paths) > 1 and {entry["path"] for entry in entries} == set(paths):
                return f"{name}{title}"
    return ", ".join(paths)
