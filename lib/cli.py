"""The command line, `python -m lib …`: one command for each step that can be taken by itself.

Each command is a few lines over the functions that notebooks use too, and takes its options from their signatures where
they are the same. What a user can mend is printed as one message, with exit status 1; wrong usage exits with 2.
"""

import argparse
import inspect
import itertools
import json
import re
import shlex
import sys
import typing
from collections.abc import Callable, Iterable
from pathlib import Path

from lib.core import paths
from lib.core.catalogue import DATASETS, NETWORKS
from lib.core.errors import ConfigError, DivergedError, ReplicationError
from lib.core.files import whole_file, writing

# Heavy modules (Keras, dlib) are imported by the command that needs them, so that `--help` answers at once.
COMMANDS: dict[str, tuple] = {}
AddOption = Callable[[argparse.ArgumentParser], object]


def main(arguments: list[str] | None = None) -> int:
    """Run one command; return its exit status."""
    arguments = sys.argv[1:] if arguments is None else arguments
    parser = argparse.ArgumentParser(prog="python -m lib", description="Steps of the replication, one at a time.")
    commands = parser.add_subparsers(required=True, metavar="command")
    for name, (run, text, add_options, settings) in COMMANDS.items():
        one = commands.add_parser(name, help=text, description=inspect.getdoc(run) or text, **settings)
        one.set_defaults(run=run)
        for add in add_options if arguments[:1] == [name] else ():
            add(one)
    options = parser.parse_args(arguments)
    try:
        return options.run(options) or 0
    except ReplicationError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted; the same command goes on from here", file=sys.stderr)
        return 130


def command(text: str, *add_options: AddOption, **settings) -> Callable:
    """Make a function a command of its name: with a line of help, its options, and settings of its parser."""

    def register(run: Callable) -> Callable:
        COMMANDS[run.__name__] = (run, text, add_options, settings)
        return run

    return register


def option(flag: str, **settings) -> AddOption:
    return lambda parser: parser.add_argument(flag, **settings)


def parameters_of(*groups: str) -> AddOption:
    """An option for each parameter of the functions behind a step, with default, type and what the docstring says.

    Only what is given on the command line becomes an attribute; `_given` hands it on.
    """

    def add(parser: argparse.ArgumentParser) -> None:
        from lib import sources
        from lib.preprocessing.config import DETECTIONS, GREYS, SAMPLINGS
        from lib.training.protocols import CONTROLS, PROTOCOLS
        from lib.training.records import RunConfig

        functions = {"data": sources.load, "preprocessing": sources.processed_store, "run": RunConfig}
        choices = {"dataset": DATASETS, "sampling": SAMPLINGS, "grey": GREYS, "detection": DETECTIONS}
        choices |= {"model": NETWORKS, "protocol": PROTOCOLS, "control": CONTROLS}
        added = {"progress"}  # a step shows it
        for name in groups:
            group, function = parser.add_argument_group(name), functions[name]
            entries = re.findall(r"^(\w+) :.*\n((?:    .*\n?)+)", inspect.getdoc(function), flags=re.MULTILINE)
            helps = {one: " ".join(text.split()).replace("%", "%%") for one, text in entries}
            for parameter in inspect.signature(function).parameters.values():
                if parameter.name not in added:
                    _add_parameter(group, parameter, helps[parameter.name], choices.get(parameter.name))
                    added.add(parameter.name)

    return add


def _add_parameter(group, parameter: inspect.Parameter, text: str, choices: Iterable[str] | None) -> None:
    default, required = parameter.default, parameter.default is parameter.empty
    several = {"nargs": len(default)} if isinstance(default, tuple) else {}
    value = default[0] if several else default
    kind = typing.get_args(parameter.annotation)[0] if value is None else str if required else type(value)
    if not required and default not in ("", None):
        text += f" (default: {' '.join(map(str, default)) if several else default})"
    group.add_argument(
        f"--{parameter.name.replace('_', '-')}",
        type=kind,
        default=argparse.SUPPRESS,
        choices=choices and tuple(choices),
        required=required,
        help=text,
        **several,
    )


def _given(options: argparse.Namespace, function: Callable) -> dict:
    return {name: getattr(options, name) for name in inspect.signature(function).parameters if hasattr(options, name)}


@command(
    "what is in a copy of a dataset, and what is wrong with it",
    option("--dataset", choices=tuple(DATASETS), required=True),
    option("--root", type=Path, required=True, help="the dataset's folder"),
    option("--options", default="", help="options of the dataset's loader, as in 'label_source=polarity'"),
    option("--no-decode", dest="decode", action="store_false", help="trust names; read no frame"),
)
def doctor(options) -> int:
    from lib.datasets.doctor import examine, format_report
    from lib.sources import parse_options

    loader_options = parse_options(options.options)
    if reserved := {"dataset_name", "root", "decode", "progress"}.intersection(loader_options):
        raise ConfigError(f"--options: {', '.join(sorted(reserved))} is no option of a loader; see --help")
    report = examine(options.dataset, options.root, decode=options.decode, **loader_options)
    print(format_report(report))
    variable, root = DATASETS[options.dataset].root_variable, shlex.quote(str(options.root.resolve()))
    if not report.usable:
        print("Next: book/datasets.md tells which layouts are read, and where to ask for the dataset.")
    elif variable:
        print(f"Next, the report on it: export {variable}={root} && make book PROFILE=full")
    else:
        name = f"-p dataset {options.dataset} -p root {root}"
        print(f"Next, a chapter on it: papermill notebooks/03_micro_exp_stcnn.ipynb out.ipynb {name}")
    return 0 if report.usable else 1


@command(
    "write a stand-in dataset of rendered faces",
    option("--dataset", choices=[name for row in DATASETS.values() for name in row.standins], required=True),
    option("--out", type=Path, required=True, help="folder to write; it must not hold anything else"),
    option("--clips", type=int, help="how many clips (default: as many as the real one)"),
    option("--seed", type=int, default=0, help="another seed, other people (default: 0)"),
)
def standin(options) -> None:
    from lib.standin import write_standin

    print(write_standin(options.dataset, options.out, clips=options.clips, seed=options.seed))


RECORD = option("--record", type=Path, help="write what was found or made to this JSON file as well")
PROGRESS = option("--progress", choices=("bar", "lines"), default="bar", help="a bar, or lines as logs want them")
RUNS = option("--runs", type=Path, help="folder of the records (default: data/runs)")


@command("find a dataset, or make its stand-in, and count its clips", parameters_of("data"), RECORD)
def data(options) -> None:
    from lib import sources
    from lib.datasets.fingerprint import fingerprint

    dataset = sources.load(**_given(options, sources.load))
    print(dataset.counts().to_string())
    print(f"{len(dataset.clips)} clips, {len(dataset.rejected)} rejected, in {dataset.root}")
    _write_record(options, {"root": paths.display_path(dataset.root), "fingerprint": fingerprint(dataset)})


@command("landmarks, crops and volumes of every clip", parameters_of("data", "preprocessing"), RECORD)
def preprocess(options) -> None:
    from lib import sources
    from lib.report.tables import quality_summary

    store = sources.processed_store(**_given(options, sources.processed_store))
    print(quality_summary(store.quality).to_string(float_format="{:.3f}".format))
    if len(store.rejected):
        print("\nrejected clips:")
        print(store.rejected.to_string(index=False))
    print(f"\n{len(store.clips)} clips in {store.path}")
    _write_record(options, {"store": store.path.name, "fingerprint": store.fingerprint})


@command(
    "train one network once, or find the record of that run",
    parameters_of("data", "preprocessing", "run"),
    option(
        "--as-released",
        action="store_true",
        help="take protocol, batch size and epochs from the authors' code of April 2019 where they are not given",
    ),
    RUNS,
    RECORD,
    option("--keep-weights", action="store_true", help="keep the weights in data/weights, too"),
    PROGRESS,
    option("--accept-divergence", action="store_true", help="a loss that is not finite is an outcome, not an error"),
)
def train(options) -> None:
    """Train one network once and keep a run record under data/runs: configuration, accuracy and loss per epoch,
    predictions at the best and at the last epoch, provenance. A run that has a record is not trained again;
    one that was interrupted goes on.
    """
    from lib import sources
    from lib.audit.released import released_settings
    from lib.training.protocols import PROTOCOLS, require_people
    from lib.training.records import RunConfig, find_run

    released = released_settings(options.model, options.dataset) if options.as_released else {}
    config = RunConfig(**released | _given(options, RunConfig))
    store = sources.processed_store(**_given(options, sources.processed_store) | {"progress": True})
    folder = options.runs or paths.runs_folder()
    require_people(PROTOCOLS[config.protocol], store.clips)  # a record that is there is refused too
    record = find_run(config, store, folder, own_backend=options.keep_weights)
    if record is None or options.keep_weights:
        from lib.training.run import train, trained_model

        weights = paths.weights_folder() if options.keep_weights else None
        try:
            if record is None:
                record = train(config, store, folder, options.progress, weights_dir=weights)
            else:
                trained_model(config, store, weights, options.progress)  # a record alone holds no weights
        except DivergedError as error:
            if not options.accept_divergence:
                raise
            print(error)
            _write_record(options, {"failed": str(error)})
            return
    if options.progress == "bar":
        for name, value in record.summary().items():
            print(f"{name:24} {value}")
    print(f"run record: {paths.display_path(record.path)}")
    _write_record(options, {"run": record.id})


@command(
    "what a trained network answers to clips of yours: a page and JSON",
    option("videos", nargs="+", type=Path, help="videos, or folders of frames"),
    option("--run", dest="identity", default="", help="id of a run (default: 03_micro_exp_stcnn's on SMIC)"),
    option("--weights", default="", help="a file of weights in place of --run, named by its run: <id>.weights.h5"),
    option("--root", default="", help="folder of the dataset that the network was trained on, where nothing names it"),
    option("--allow-standin", action="store_true", help="ask a network of rendered faces about real ones all the same"),
    option("--publishable", nargs="*", default=[], help="names of clips whose frames may be shown; others are drawn"),
    option("--sampling", default="", help="first, window, or tim: the whole clip, stretched (default: as in training)"),
    option("--start", type=int, default=-1, help="first frame that is read, for a window"),
    option("--out", type=Path, default=Path("prediction.html"), help="page to write, with JSON of that name beside it"),
)
def predict(options) -> None:
    """Landmarks, crops, class probabilities and saliency of clips, with what such an answer cannot mean."""
    from lib import prediction

    prediction.own_clips(options.videos)  # what is no clip is refused before anything is started
    print("A network whose weights are not in data/weights is trained first, which takes minutes.", file=sys.stderr)
    parameters = {name: getattr(options, name) for name in ("sampling", "start", "root", "weights", "allow_standin")}
    if options.weights:
        parameters["weights"] = str(Path(options.weights).resolve())
    parameters["videos"] = shlex.join(str(path.expanduser().resolve()) for path in options.videos)
    parameters["publishable"] = " ".join(options.publishable)
    if run := options.identity or options.weights:
        parameters |= prediction.parameters_of_run(run, options.root)
    results = prediction.write_page(parameters, options.out)
    found = json.loads(results.read_text(encoding="utf-8"))["results"]
    for answer in found["answers"]:
        told = ", ".join(f"{name} {share:.1%}" for name, share in answer["probabilities"].items()) or answer["reason"]
        print(f"{answer['clip']}: {told}")
    print(f"No answer tells {found['cannot_mean']}.")
    print(f"the page: {options.out}, the same as JSON: {results.name}")


@command(
    "evaluate the other methods of Table V, one after another, or find the records of that",
    parameters_of("data", "preprocessing"),
    option("--method", nargs="+", default=[], help="these methods of lib.baselines (default: all)"),
    option("--protocol", nargs="+", default=["paper", "loso"], help="these splits (default: paper loso)"),
    option("--seed", type=int, default=0, help="what methods draw, and the split of `clean` (default: 0)"),
    RUNS,
    RECORD,
    PROGRESS,
)
def baselines(options) -> None:
    """Evaluate methods on the clips and the splits of MicroExpSTCNN, and keep a record of each under data/runs. What
    has a record is not evaluated again; what was interrupted goes on after its last fold.
    """
    from lib import sources
    from lib.baselines import METHODS
    from lib.training.baselines import evaluate
    from lib.training.config import BaselineConfig

    pairs = itertools.product(options.method or METHODS, options.protocol)
    configs = [BaselineConfig(method, protocol, options.seed) for method, protocol in pairs]
    reading = _given(options, sources.processed_store)
    store = sources.processed_store(**reading | {"progress": True})
    found, folder = [], options.runs or paths.runs_folder()
    for config in configs:
        record = evaluate(config, store, folder, options.progress, reading.get("jobs"))
        found.append(record.id)
        print(f"{config.slug:32} {record.summary()['accuracy_last']:.1%} of {record.summary()['n']} clips: {record.id}")
    _write_record(options, {"runs": found})


@command("list the run records", RUNS)
def runs(options) -> None:
    from lib.training.records import list_runs

    folder = options.runs or paths.runs_folder()
    table = list_runs(folder)
    print(table.to_string() if len(table) else f"no run record in {folder}")


@command(
    "what arithmetic says of the paper's numbers, without any data",
    option("--json", action="store_true", help="print the findings with their numbers as JSON"),
)
def audit(options) -> None:
    from lib.audit import findings, text_table

    found = findings()
    if options.json:
        print(json.dumps([one.as_dict() for one in found], indent=1))  # in ASCII, which every console knows
    else:
        print(text_table(found))


@command(
    "run the build graph, one build at a time in a checkout, after a killed one too",
    option("arguments", nargs=argparse.REMAINDER, help="what snakemake takes"),
    prefix_chars="\0",  # whatever follows is Snakemake's, its options too
    add_help=False,
)
def snakemake(options) -> int:
    """Run Snakemake under a lock that dies with its process; its own is left behind by a build that is killed."""
    import subprocess

    import filelock

    program = [sys.executable, "-m", "snakemake", "--nolock", *options.arguments]
    lock = filelock.FileLock(paths.REPOSITORY / ".snakemake.lock", timeout=0)
    with writing(paths.REPOSITORY):
        try:
            lock.acquire()
        except filelock.Timeout as error:
            told = f"another build is running in {paths.REPOSITORY}: wait for it, or stop it"
            raise ReplicationError(told) from error
    try:
        return subprocess.run(program, cwd=paths.REPOSITORY).returncode
    finally:
        lock.release()


@command(
    "check the executed chapters and build the HTML book from them",
    option("--profile", default="quick"),
    option("--kept", action="store_true", help="from the chapters kept in book/ (profile full), training nothing"),
    option("--partial", action="store_true", help="leave out chapters that were not executed, and list them"),
)
def book(options) -> None:
    from lib.book import assemble
    from lib.book.changes import SUMMARY, summary_of
    from lib.book.profiles import read_profile

    if options.kept:
        executed = assemble.Executed(paths.REPOSITORY / "book", partial=True, kept=True)
        profile = read_profile(assemble.KEPT_PROFILE)
        out = assemble.build_folder("render")
    else:
        profile = read_profile(options.profile)
        executed = assemble.Executed(assemble.build_folder(profile.name), partial=options.partial)
        out = executed.folder
    page = assemble.build_html(assemble.assemble(profile, executed, out), out)
    _write_json(page.with_name(SUMMARY), summary_of(executed.folder))  # what `diff` reads of a published book
    print(page)


@command(
    "keep the chapters of a finished build in book/, with the runs they cite",
    option("--profile", default="full"),
    option("--fewer", action="store_true", help="replace chapters also by ones that lack most of what they found"),
)
def keep(options) -> None:
    from lib.book import assemble
    from lib.book.profiles import read_profile

    print("kept in book/:", ", ".join(assemble.keep(read_profile(options.profile), options.fewer)))


@command(
    "which verdicts and numbers differ between two books",
    option("old", type=Path, help="a build, its folder of results, its pages, or the book.json among them"),
    option("new", type=Path, help="as old"),
    option("--json", type=Path, help="write every difference to this JSON file as well"),
)
def diff(options) -> None:
    """Print what changed as Markdown, fit for a comment on a pull request."""
    from lib.book.changes import as_markdown, changes, summary_of

    found = changes(summary_of(options.old), summary_of(options.new))
    _write_json(options.json, found)
    print(as_markdown(found), end="")


@command(
    "refuse frames of real people who are not named in executed chapters (exit status 1 if there are any)",
    option("folders", nargs="*", type=Path, help="with chapters/, results/ and runs/ (default: book)"),
)
def faces(options) -> int:
    from lib.book.gate import faces_shown, foreign_files

    problems = []
    for folder in options.folders or [paths.REPOSITORY / "book"]:
        problems += [f"{path}: is no chapter, result or record" for path in foreign_files(folder)]
        for path in sorted((folder / "chapters").rglob("*.ipynb")):
            problems += [f"{path}: {told}" for told in faces_shown(path)]
    print("\n".join(problems) or "No frame of a real person is shown.")
    return 1 if problems else 0


def _write_record(options, content: dict) -> None:
    _write_json(options.record, {"dataset": options.dataset, **content})


def _write_json(path: Path | None, content: dict | list) -> None:
    if path is not None:
        with whole_file(path) as draft:
            draft.write_text(json.dumps(content, indent=1), encoding="utf-8")
