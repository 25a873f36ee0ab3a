"""The tables of the chapters, each a DataFrame ready to be shown, with the paper's values beside ours."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from pandas.io.formats.style import Styler

from lib.audit import paper, released
from lib.audit.architectures import misprints
from lib.audit.counts import matrix
from lib.datasets.clip import Dataset
from lib.networks import NETWORKS
from lib.preprocessing.volumes import frame_range
from lib.training.splits import Fold


def class_counts(dataset: Dataset) -> pd.DataFrame:
    """Clips per class: on disk, in the released code, in the official dataset, as Table IV prints them.

    Returns
    -------
    DataFrame of Int64, indexed by class with a last row "all"
        Missing where the paper or the dataset's authors give no such number.
    """
    counts = dataset.counts()
    counts.loc["all"] = counts.sum()
    if dataset.name not in paper.DATASETS:
        return pd.DataFrame({"on disk": counts.astype("Int64")})
    names = released.classes(dataset.name)
    sizes = pd.Series(released.class_sizes(NETWORKS[0], dataset.name), index=names)
    sizes.loc["all"] = sizes.sum()
    official = pd.Series(paper.dataset_facts(dataset.name).get("clips", {}), dtype="Int64")
    if len(official):
        official.loc["all"] = official.sum()
    printed = paper.class_counts(dataset.name).set_index("class")["total"]
    return pd.DataFrame(
        {
            "on disk": counts.astype("Int64"),
            "released code": sizes.reindex(counts.index).astype("Int64"),
            "dataset's authors": official.reindex(counts.index),
            "paper, Table IV": printed.reindex(counts.index).astype("Int64"),
        }
    )


def architecture(ours: pd.DataFrame, model: str, depth: int) -> pd.DataFrame:
    """A network's layers beside the paper's table of them.

    Parameters
    ----------
    ours : DataFrame
        From `lib.networks.layers.architecture_table`: layer, kind, output_shape, parameters.
    model : str
    depth : int
        The paper prints its tables for depth 96; at another depth its column is left out.

    Returns
    -------
    DataFrame
        `ours` with sizes written as the paper writes them, channels first, and the paper's printed size. A printed
        size that the layer arithmetic contradicts is marked with a cross; a layer that only the paper has stands last.
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
    return table


def _channels_first(shape: tuple[int, ...]) -> str:
    """(62, 62, 82, 32) as 32x62x62x82; a volume without channels and a vector stay as they are."""
    ordered = (shape[-1], *shape[:-1]) if len(shape) == 4 else shape
    return "x".join(str(size) for size in ordered)


def split_counts(store, fold: Fold) -> pd.DataFrame:
    """Clips per class in the two parts of a fold, and the paper's validation counts where it gives them."""
    labels = store.labels
    table = pd.DataFrame(
        {name: np.bincount(labels[part], minlength=len(store.classes)) for name, part in _parts(fold).items()},
        index=list(store.classes),
    )
    table.loc["all"] = table.sum()
    if store.dataset in paper.DATASETS:
        published = paper.class_counts(store.dataset).set_index("class")["validation"]
        table["validation, paper"] = published.reindex(table.index)
    return table


def run_scores(record, dataset: str) -> pd.DataFrame:
    """What the paper reports of a run, and what it leaves out: one row per way of choosing the epoch.

    Returns
    -------
    DataFrame of str
        Percentages with the 95 % Wilson interval, UF1 and UAR.
    """
    scores = record.summary()
    sd = scores["accuracy_std_last_epochs"]
    where = ", stand-in" if record.provenance["data"]["standin"] is not None else ""
    rows = {
        f"best epoch ({scores['best_epoch']}){where}": _score_row(scores, "best"),
        f"last epoch ({scores['epochs']}){where}": _score_row(scores, "last"),
        f"mean ± sd of the last {scores['last_epochs']} epochs{where}": {
            "accuracy": f"{scores['accuracy_mean_last_epochs']:.2%}"
            + ("" if sd is None else f" ± {100 * sd:.2f} points")
        },
        f"always the commonest class{where}": {"accuracy": f"{scores['majority_share']:.2%}"},
    }
    if dataset in paper.DATASETS:
        published = paper.accuracy(record.config.model, dataset)
        rows["paper, on the real dataset"] = {"accuracy": f"{published:.2%}"}
    return pd.DataFrame(rows).T.reindex(columns=["accuracy", "95 % interval", "UF1", "UAR"]).fillna("")


def _score_row(scores: dict, at: str) -> dict[str, str]:
    return {
        "accuracy": f"{scores[f'accuracy_{at}']:.2%}",
        "95 % interval": f"{scores[f'wilson_low_{at}']:.1%} to {scores[f'wilson_high_{at}']:.1%}",
        "UF1": f"{scores[f'uf1_{at}']:.3f}",
        "UAR": f"{scores[f'uar_{at}']:.3f}",
    }


def _parts(fold: Fold) -> dict[str, np.ndarray]:
    return {"training": fold.train, "validation": fold.validation}


def variance_shares(volumes: np.ndarray) -> dict[str, float]:
    """The variance of a stream's pixel values taken apart into three shares that sum to one.

    Parameters
    ----------
    volumes : ndarray, uint8, shape (clips, depth, height, width)

    Returns
    -------
    dict
        ``between clips``: of the clips' mean values; ``within a frame``: between the pixels of a clip's mean frame;
        ``over time``: of one pixel of one clip around its mean over the frames.
    """
    total, over_time, mean_frames = 0.0, 0.0, []
    grand_mean = np.mean([clip.mean() for clip in volumes])
    for clip in volumes:  # one clip in memory at a time
        pixels = clip.astype(np.float64)
        mean_frame = pixels.mean(axis=0)
        mean_frames.append(mean_frame)
        over_time += ((pixels - mean_frame) ** 2).mean()
        total += ((pixels - grand_mean) ** 2).mean()
    between = sum((frame.mean() - grand_mean) ** 2 for frame in mean_frames)
    within = sum(frame.var() for frame in mean_frames)
    return {"within a frame": within / total, "between clips": between / total, "over time": over_time / total}


def frame_change(volume: np.ndarray) -> float:
    """Mean absolute change of a pixel of a (depth, height, width) volume from one frame to the next, in grey levels."""
    return float(np.abs(np.diff(volume.astype(np.float64), axis=0)).mean())


FACE_PARTS = {
    "jaw": slice(0, 17),
    "brows": slice(17, 27),
    "nose": slice(27, 36),
    "eyes": slice(36, 48),
    "mouth": slice(48, 68),
}


def landmark_errors(store, truth: Mapping[str, "object"]) -> pd.DataFrame:
    """Distance between found and true landmarks, in units of the distance between the eye centres.

    Parameters
    ----------
    store : ProcessedStore
    truth : mapping of clip_id -> lib.standin.Truth
        With `landmarks` of shape (n_frames, 68, 2), in pixels of the frame.

    Returns
    -------
    DataFrame
        A row for each part of the face and one for all, columns median and 95th percentile.
    """
    first, _ = frame_range(store.config)
    errors = []
    for clip_id, found in zip(store.clips["clip_id"], store.landmarks(), strict=True):
        right = truth[clip_id].landmarks[first : first + len(found)]
        eyes = right[:, 36:42].mean(axis=1) - right[:, 42:48].mean(axis=1)
        errors.append(np.linalg.norm(found - right, axis=-1) / np.linalg.norm(eyes, axis=-1)[:, None])
    errors = np.concatenate(errors)
    parts = {**FACE_PARTS, "all": slice(None)}
    return pd.DataFrame(
        {name: {"median": np.median(errors[:, part]), "95th percentile": np.quantile(errors[:, part], 0.95)}
         for name, part in parts.items()}
    ).T  # fmt: skip


def published_matrices(dataset: str) -> dict[str, np.ndarray]:
    """The paper's confusion matrix of MicroExpSTCNN by its title, classes in our order; empty if there is none."""
    if dataset not in paper.DATASETS:
        return {}
    return {f"paper's Table {paper.CONFUSION_TABLES[dataset]}": matrix(dataset).to_numpy()}


def one_of_each_class(clips: pd.DataFrame, classes: Sequence[str]) -> list[int]:
    """Positions of a clip of each class in a table with ``label`` and ``subject``, of different people if possible."""
    chosen, people = [], set()
    for label in classes:
        candidates = np.flatnonzero(clips["label"] == label)
        others = [row for row in candidates if clips["subject"].iloc[row] not in people]
        chosen.append(int((others or candidates.tolist())[0]))
        people.add(clips["subject"].iloc[chosen[-1]])
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
        "MicroExpFuseNet": NETWORKS[1:],
        **{name: (model,) for model, name in paper.METHOD_NAMES.items()},
    }
    places = {"": paper.DATASETS, **{f" on {title}": (name,) for name, title in paper.DATASET_TITLES.items()}}
    for name, models in networks.items():
        for title, datasets in places.items():
            entries = [one for one in paper.released_files() if one["model"] in models and one["dataset"] in datasets]
            if len(paths) > 1 and {entry["path"] for entry in entries} == set(paths):
                return f"{name}{title}"
    return ", ".join(paths)
