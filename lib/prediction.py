"""A trained network and clips that are in no dataset: which network, which clips, and the page of its answers.

What it answers, and what in a clip the answer hangs on, is computed in the chapter `13_your_own_clip`.
"""

from collections.abc import Sequence
from pathlib import Path

from lib import sources
from lib.core import paths
from lib.core.errors import ConfigError, DatasetError, ReplicationError
from lib.core.files import whole_file
from lib.datasets.clip import Clip, Dataset, read_standin_marker, standin_folder
from lib.datasets.findings import id_of
from lib.datasets.frames import list_frames
from lib.datasets.videos import is_video
from lib.networks.backend import keras
from lib.networks.startup import configured_backend
from lib.saliency.networks import find_network
from lib.standin.plan import COUNTS
from lib.training.fit import new_model
from lib.training.inputs import prepare_fold
from lib.training.protocols import PROTOCOLS, require_people
from lib.training.records import WEIGHTS, RunConfig, places, record_in, run_id

CHAPTER = "13_your_own_clip"
PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Your own clip</title>
<meta name="viewport" content="width=device-width"><style>
body {{ max-width: 62em; margin: 2em auto; padding: 0 1em; font-family: sans-serif; line-height: 1.5; }}
img {{ max-width: 100%; }} table {{ border-spacing: 1em 0.2em; }} .anchor-link {{ display: none; }}
.warning {{ border-left: 0.3em solid #d55e00; padding-left: 1em; }}
</style></head><body>{body}</body></html>
"""


def own_clips(videos: Sequence[str]) -> Dataset:
    """Clips from anywhere, each a video or a folder of frames, without labels. A clip's name stands for its person.

    They are a stand-in's if each of them lies in one.

    Raises
    ------
    DatasetError
        A path leads to no video and no folder of frames, or two clips have one name.
    """
    clips = []
    for source in (Path(one).expanduser().resolve() for one in videos):
        n_frames = len(list_frames(source).frames) if source.is_dir() else None
        if n_frames == 0 or not source.exists() or not (source.is_dir() or is_video(source)):
            raise DatasetError(f"expected a video or a folder of frames, found none at {source}: correct the path")
        name = id_of(source)
        clips.append(Clip(name, "class_folders", name, "", source, 0, n_frames, fps=30.0))
    names = [clip.clip_id for clip in clips]
    if len(set(names)) < len(names):
        raise DatasetError(f"expected clips of different names, found {', '.join(names)}: rename one of them")
    folders = {standin_folder(clip.source) for clip in clips}
    rendered = next(iter(folders)) if None not in folders and len(folders) == 1 else None
    marker = read_standin_marker(rendered) if rendered else None
    root = Path(clips[0].source.parent)
    return Dataset("class_folders", root, "clips", (), tuple(clips), standin=marker, standin_root=rendered)


def refuse_real_faces(store, clips: Dataset, allow_standin: bool) -> None:
    """`ConfigError` where a network of rendered faces is asked about real ones, unless that is allowed."""
    if store.standin is not None and not clips.is_standin and not allow_standin:
        raise ConfigError(
            "the network was trained on rendered faces, and the clip shows a real one: its answer would mean nothing. "
            "Choose a run on real data, or ask for the answer all the same with allow_standin (--allow-standin)."
        )


def network(
    config: RunConfig, store, weights: str = "", train_missing: bool = True
) -> tuple["keras.Model | None", str]:
    """The network of a run, from a file of weights if one is named; else as `lib.saliency.networks.find_network`.

    `TrainingError` if the run divides clips by subject, and a subject is unknown.
    """
    require_people(PROTOCOLS[config.protocol], store.clips)
    if not weights:
        return find_network(config, store, train_missing, progress="bar")
    model = new_model(config, prepare_fold(config, store), len(store.classes))
    try:
        model.load_weights(weights)
    except (OSError, ValueError, KeyError) as error:
        raise ConfigError(f"{weights} holds no weights of a {config.model} of this size: {error}") from error
    return model, ""


# === The command ===


def parameters_of_run(run: str, root: str = "") -> dict:
    """The parameters with which the chapter looks into a run, named by its id or by the file of its weights.

    Raises
    ------
    ConfigError
        There is no record of the run, it was trained on clips that were changed, or on other data than its dataset's at
        `root`, or by other code.
    """
    name = Path(run).name.removesuffix(WEIGHTS)
    record = record_in(places(paths.runs_folder()), name)
    if record is None:
        raise ConfigError(
            f"expected the id of a run (python -m lib runs lists them), or weights named <id>{WEIGHTS} of a run whose "
            f"record is here, found {name!r}: without its record nobody can tell what a network was trained on"
        )
    if not isinstance(record.config, RunConfig):
        raise ConfigError(f"expected a run of a network, found one of the method {record.config.method!r}")
    if record.config.control != "none":
        raise ConfigError(f"expected a run on clips as they are, found control {record.config.control!r}")
    trained_with = record.provenance["backend"]
    if not str(run).endswith(WEIGHTS) and trained_with != configured_backend():
        raise ConfigError(
            f"run {record.id} was trained with Keras on {trained_with}, and {configured_backend()} is configured, "
            f"which would train another network: set KERAS_BACKEND={trained_with}, or give the file of its weights"
        )
    trained_on = record.provenance["data"]
    data = {"dataset": trained_on["dataset"]}
    if trained_on["standin"]:
        clips = trained_on["standin"]["clips"]
        whole = clips == sum(COUNTS[data["dataset"]].values())
        data |= {"clips": 0 if whole else clips, "standin_seed": trained_on["standin"]["seed"]}
    store = sources.processed_store(**data, root=root)
    if run_id(record.config, store, trained_with) != record.id:
        raise ConfigError(
            f"run {record.id} was trained on other data ({'a stand-in' if trained_on['standin'] else 'real data'}), "
            "read otherwise, or by other code than is here: name its dataset's folder in the environment variable that "
            "it was trained with, or train it anew"
        )
    settings = record.config.to_dict()
    del settings["control"]
    sides = dict(zip(("kernel_height", "kernel_width", "kernel_depth"), settings.pop("kernel_size"), strict=True))
    return data | settings | sides


def write_page(parameters: dict, page: Path) -> Path:
    """Execute the chapter and write it as one HTML file without code; its results beside it, as JSON.

    Raises
    ------
    ReplicationError
        What the chapter could not do, in its own words.
    """
    import nbconvert
    import papermill

    results = page.resolve().with_suffix(".json")
    source, executed = paths.NOTEBOOKS / f"{CHAPTER}.ipynb", paths.results_folder() / f"{CHAPTER}.ipynb"
    executed.parent.mkdir(parents=True, exist_ok=True)
    parameters = {**parameters, "results": str(results)}
    try:
        notebook = papermill.execute_notebook(source, executed, parameters, cwd=paths.REPOSITORY)
    except papermill.PapermillExecutionError as error:
        raise ReplicationError(error.evalue) from error
    said = next(cell for cell in notebook.cells if "finding" in cell.metadata.get("tags", ()))
    notebook.cells.remove(said)
    notebook.cells.insert(1, said)  # what is answered, and what that cannot mean, comes before the steps
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = [one for one in cell.outputs if one.output_type != "stream"]
    # without the scripts and formulas of a whole template, which come from foreign hosts
    exporter = nbconvert.HTMLExporter(template_name="basic", exclude_input=True, exclude_output_prompt=True)
    body, _ = exporter.from_notebook_node(notebook)
    with whole_file(page) as draft:
        draft.write_text(PAGE.format(body=body), encoding="utf-8")
    return results
