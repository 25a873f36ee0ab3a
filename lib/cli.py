"""The command line, `python -m lib …`: one command for each step that can be taken by itself.

Each command is a few lines over the functions that notebooks use too, and takes its options from their signatures where
they are the same. What a user can mend is printed as one message, with exit status 1; wrong usage exits with 2.
"""

import argparse
import inspect
import json
import re
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
    option(
        "--progress", choices=("bar", "lines"), default="bar", help="a bar, or a line now and then as logs want them"
    ),
    option("--accept-divergence", action="store_true", help="a loss that is not finite is an outcome, not an error"),
)
def train(options) -> None:
    """Train one network once and keep a run record under data/runs: configuration, accuracy and loss per epoch,
    predictions at the best and at the last epoch, provenance. A run that has a record is not trained again;
    one that was interrupted goes on.
    """
    from lib import sources
    from lib.audit.released import released_settings
    from lib.training.records import RunConfig, find_run

    released = released_settings(options.model, options.dataset) if options.as_released else {}
    config = RunConfig(**released | _given(options, RunConfig))
    store = sources.processed_store(**_given(options, sources.processed_store) | {"progress": True})
    folder = options.runs or paths.runs_folder()
    record = find_run(config, store, folder)
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
        print(json.dumps([one.as_dict() for one in found], indent=1, ensure_ascii=False))
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
    from lib.book.profiles import read_profile

    if options.kept:
        executed = assemble.Executed(paths.REPOSITORY / "book", partial=True, kept=True)
        profile = read_profile(assemble.KEPT_PROFILE)
        out = assemble.build_folder("render")
    else:
        profile = read_profile(options.profile)
        executed = assemble.Executed(assemble.build_folder(profile.name), partial=options.partial)
        out = executed.folder
    print(assemble.build_html(assemble.assemble(profile, executed, out), out))


@command(
    "keep the chapters of a finished build in book/, with the runs they cite",
    option("--profile", default="full"),
)
def keep(options) -> None:
    from lib.book import assemble
    from lib.book.profiles import read_profile

    print("kept in book/:", ", ".join(assemble.keep(read_profile(options.profile))))


def _write_record(options, content: dict) -> None:
    if options.record is not None:
        with whole_file(options.record) as draft:
            draft.write_text(json.dumps({"dataset": options.dataset, **content}, indent=1), encoding="utf-8")
