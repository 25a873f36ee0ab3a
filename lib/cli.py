"""The command line, `python -m lib …`: one command for each step that can be taken by itself.

Each command is a few lines over the functions that notebooks use too. What a user can mend is printed as one message,
with exit status 1; wrong usage exits with 2.
"""

import argparse
import dataclasses
import inspect
import json
import re
import sys
import textwrap
from pathlib import Path

from lib.core import paths
from lib.core.errors import ConfigError, DivergedError, ReplicationError

DATASETS = ("casme2_sq", "smic", "class_folders")
# Heavy modules (Keras, dlib) are imported by the command that needs them, so that `--help` answers at once.


def main(arguments: list[str] | None = None) -> int:
    """Run one command; return its exit status."""
    arguments = sys.argv[1:] if arguments is None else arguments
    options = _parser(training="train" in arguments).parse_args(arguments)
    try:
        return options.run(options) or 0
    except ReplicationError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted; the same command goes on from here", file=sys.stderr)
        return 130


def _parser(training: bool) -> argparse.ArgumentParser:
    """All commands; the options of a run only when `training`, because reading its configuration takes seconds."""
    parser = argparse.ArgumentParser(prog="python -m lib", description="Steps of the replication, one at a time.")
    commands = parser.add_subparsers(required=True, metavar="command")

    doctor = commands.add_parser("doctor", help="what is in a copy of a dataset, and what is wrong with it")
    doctor.add_argument("--dataset", choices=DATASETS, required=True)
    doctor.add_argument("--root", type=Path, required=True, help="the dataset's folder")
    doctor.add_argument("--options", default="", help="options of the dataset's loader, as in 'label_source=polarity'")
    doctor.add_argument("--no-decode", dest="decode", action="store_false", help="trust names; read no frame")
    doctor.set_defaults(run=_doctor)

    standin = commands.add_parser("standin", help="write a stand-in dataset of rendered faces")
    standin.add_argument("--dataset", choices=("smic", "casme2_sq", "casme2_sq_official"), required=True)
    standin.add_argument("--out", type=Path, required=True, help="folder to write; it must not hold anything else")
    standin.add_argument("--clips", type=int, default=None, help="how many clips (default: as many as the real one)")
    standin.add_argument("--seed", type=int, default=0, help="another seed, other people (default: 0)")
    standin.set_defaults(run=_standin)

    data = commands.add_parser("data", help="find a dataset, or make its stand-in, and count its clips")
    _add_source(data)
    data.set_defaults(run=_data)

    preprocess = commands.add_parser("preprocess", help="landmarks, crops and volumes of every clip")
    _add_source(preprocess)
    _add_preprocessing(preprocess)
    preprocess.set_defaults(run=_preprocess)

    train = commands.add_parser(
        "train",
        help="train one network once, or find the record of that run",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description=textwrap.dedent("""\
            Train one network once and keep a run record under data/runs: configuration, accuracy and loss per epoch,
            predictions at the best and at the last epoch, provenance. A run that has a record is not trained again;
            one that was interrupted goes on."""),
    )
    _add_source(train)
    _add_preprocessing(train)
    if training:
        _add_run(train)
    train.set_defaults(run=_train)

    runs = commands.add_parser("runs", help="list the run records")
    runs.add_argument("--runs", type=Path, default=None, help="folder of the records (default: data/runs)")
    runs.set_defaults(run=_runs)

    audit = commands.add_parser("audit", help="what arithmetic says of the paper's numbers, without any data")
    audit.add_argument("--json", action="store_true", help="print the findings with their numbers as JSON")
    audit.set_defaults(run=_audit)

    graph = commands.add_parser(
        "snakemake",
        help="run the build graph, one build at a time in a checkout, after a killed one too",
        prefix_chars="\0",  # whatever follows is Snakemake's, its options too
        add_help=False,
    )
    graph.add_argument("arguments", nargs=argparse.REMAINDER, help="what snakemake takes")
    graph.set_defaults(run=_snakemake)

    book = commands.add_parser("book", help="check the executed chapters and build the HTML book from them")
    book.add_argument("--profile", default="quick")
    book.add_argument(
        "--kept", action="store_true", help="from the chapters kept in book/ (profile full), training nothing"
    )
    book.add_argument("--partial", action="store_true", help="leave out chapters that were not executed, and list them")
    book.set_defaults(run=_book)

    keep = commands.add_parser("keep", help="keep the chapters of a finished build in book/, with the runs they cite")
    keep.add_argument("--profile", default="full")
    keep.set_defaults(run=_keep)

    fidelity = commands.add_parser("fidelity", help="execute kept chapters anew and compare them with what is kept")
    fidelity.add_argument(
        "--chapter", nargs="+", action="extend", default=[], metavar="DATASET/NOTEBOOK", help="these (default: all)"
    )
    fidelity.add_argument("--json", type=Path, help="write every difference to this JSON file as well")
    fidelity.set_defaults(run=_fidelity)

    clean = commands.add_parser("clean-notebooks", help="strip outputs from the notebooks in notebooks/")
    clean.add_argument("--check", action="store_true", help="change nothing; exit 1 if one is not clean")
    clean.set_defaults(run=_clean_notebooks)
    return parser


def _add_source(command: argparse.ArgumentParser) -> None:
    group = command.add_argument_group("data")
    group.add_argument("--dataset", choices=DATASETS, required=True)
    group.add_argument(
        "--root", default="", help="the dataset's folder (default: CASME2_SQ_ROOT or SMIC_ROOT, else the stand-in)"
    )
    group.add_argument("--clips", type=int, default=0, help="size of the stand-in; 0: all (real data is never cut)")
    group.add_argument("--standin-seed", type=int, default=0, help="seed of the stand-in")
    group.add_argument(
        "--options", default="", help="options of the dataset's loader, as in 'label_source=polarity extent=window'"
    )
    command.add_argument("--record", type=Path, help="write what was found or made to this JSON file as well")


def _add_preprocessing(command: argparse.ArgumentParser) -> None:
    group = command.add_argument_group("preprocessing")
    group.add_argument("--frames", type=int, default=0, help="depth of a volume (default: 96 for CAS(ME)², else 18)")
    group.add_argument("--sampling", choices=("first", "window", "tim"), default="", help="how frames are picked")
    group.add_argument("--start", type=int, default=None, help="first frame of the window (implies --sampling window)")
    group.add_argument(
        "--grey",
        choices=("luma", "rgb_as_bgr"),
        default="",
        help="weights of the colours (default: rgb_as_bgr, as released, for real CAS(ME)², else luma)",
    )
    group.add_argument(
        "--detection",
        choices=("tracked", "released"),
        default="",
        help="how faces are found (default: released, slow, for real CAS(ME)² and SMIC, else tracked)",
    )
    group.add_argument("--out", type=Path, default=None, help="folder of the stores (default: data/processed)")
    group.add_argument("--jobs", type=int, default=None, help="processes (default: one per core)")


def _add_run(command: argparse.ArgumentParser) -> None:
    """One option per field of RunConfig, with its default, type and documentation."""
    from lib.audit.paper import METHOD_NAMES
    from lib.training.protocols import CONTROLS, PROTOCOLS
    from lib.training.records import RunConfig

    group = command.add_argument_group("run")
    helps = _documented_attributes(RunConfig)
    known = {"model": tuple(METHOD_NAMES), "protocol": tuple(PROTOCOLS), "control": tuple(CONTROLS)}
    for field in dataclasses.fields(RunConfig):
        required = field.default is dataclasses.MISSING
        several = {"nargs": len(field.default)} if isinstance(field.default, tuple) else {}
        kind = str if required else type(field.default[0] if several else field.default)
        shown = "" if required else f" (default: {' '.join(map(str, field.default)) if several else field.default})"
        group.add_argument(
            f"--{field.name.replace('_', '-')}",
            type=kind,
            choices=known.get(field.name),
            required=required,
            help=helps[field.name].replace("%", "%%") + shown,
            **several,
        )
    group.add_argument(
        "--as-released",
        action="store_true",
        help="take protocol, batch size and epochs from the authors' code of April 2019 where they are not given",
    )
    command.add_argument("--runs", type=Path, default=None, help="folder of the records (default: data/runs)")
    command.add_argument("--keep-weights", action="store_true", help="keep the weights in data/weights, too")
    command.add_argument(
        "--progress", choices=("bar", "lines"), default="bar", help="a bar, or a line now and then as logs want them"
    )
    command.add_argument(
        "--accept-divergence", action="store_true", help="a loss that is not finite is an outcome, not an error"
    )


def _documented_attributes(documented: type) -> dict[str, str]:
    """The Attributes section of a class's docstring: name -> text on one line."""
    section = inspect.getdoc(documented).partition("Attributes\n----------\n")[2].partition("\n\n")[0]
    entries = re.findall(r"^(\w+) :.*\n((?:    .*\n?)+)", section, flags=re.MULTILINE)
    return {name: " ".join(text.split()) for name, text in entries}


def _doctor(options) -> int:
    from lib.datasets.doctor import examine, format_report
    from lib.sources import parse_options

    loader_options = parse_options(options.options)
    if reserved := {"dataset_name", "root", "decode", "progress"}.intersection(loader_options):
        raise ConfigError(f"--options: {', '.join(sorted(reserved))} is no option of a loader; see --help")
    report = examine(options.dataset, options.root, decode=options.decode, **loader_options)
    print(format_report(report))
    return 0 if report.usable else 1


def _standin(options) -> None:
    from lib.standin import write_standin

    print(write_standin(options.dataset, options.out, clips=options.clips, seed=options.seed))


def _data(options) -> None:
    from lib import sources
    from lib.datasets.fingerprint import fingerprint

    dataset = sources.load(options.dataset, options.root, options.clips, options.standin_seed, options.options)
    print(dataset.counts().to_string())
    print(f"{len(dataset.clips)} clips, {len(dataset.rejected)} rejected, in {dataset.root}")
    _write_record(options, {"root": sources.display_path(dataset.root), "fingerprint": fingerprint(dataset)})


def _store(options):
    from lib import sources

    return sources.processed_store(
        options.dataset,
        options.root,
        options.clips,
        options.standin_seed,
        options.options,
        options.frames,
        options.sampling,
        options.start,
        options.grey,
        options.detection,
        out=options.out,
        jobs=options.jobs,
    )


def _preprocess(options) -> None:
    from lib.report.tables import quality_summary

    store = _store(options)
    print(quality_summary(store.quality).to_string(float_format="{:.3f}".format))
    if len(store.rejected):
        print("\nrejected clips:")
        print(store.rejected.to_string(index=False))
    print(f"\n{len(store.clips)} clips in {store.path}")
    _write_record(options, {"store": store.path.name, "fingerprint": store.fingerprint})


def _train(options) -> None:
    from lib import sources
    from lib.audit.released import released_settings
    from lib.training.records import RunConfig, find_run

    given = {field.name: getattr(options, field.name) for field in dataclasses.fields(RunConfig)}
    given = {name: value for name, value in given.items() if value is not None}
    released = released_settings(options.model, options.dataset) if options.as_released else {}
    config = RunConfig(**{**released, **given})
    store, folder = _store(options), options.runs or paths.runs_folder()
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
    print(f"run record: {sources.display_path(record.path)}")
    _write_record(options, {"run": record.id})


def _runs(options) -> None:
    from lib.training.records import list_runs

    folder = options.runs or paths.runs_folder()
    table = list_runs(folder)
    print(table.to_string() if len(table) else f"no run record in {folder}")


def _audit(options) -> None:
    from lib.audit import findings, text_table

    found = findings()
    if options.json:
        print(json.dumps([one.as_dict() for one in found], indent=1, ensure_ascii=False))
    else:
        print(text_table(found))


def _snakemake(options) -> int:
    """Run Snakemake under a lock that dies with its process; its own is left behind by a build that is killed."""
    import subprocess

    import filelock

    command = [sys.executable, "-m", "snakemake", *options.arguments]
    try:
        with filelock.FileLock(paths.REPOSITORY / ".snakemake.lock", timeout=0):
            if any((paths.REPOSITORY / ".snakemake" / "locks").glob("*")):
                # first, or it would be taken for a target where the arguments end with targets
                unlock = [*command[:3], "--unlock", *options.arguments]
                subprocess.run(unlock, cwd=paths.REPOSITORY, check=True)
            return subprocess.run(command, cwd=paths.REPOSITORY).returncode
    except filelock.Timeout as error:
        raise ReplicationError(f"another build is running in {paths.REPOSITORY}: wait for it, or stop it") from error


def _book(options) -> None:
    from lib.book import assemble as book
    from lib.book.profiles import read_profile

    if options.kept:
        executed = book.Executed(paths.REPOSITORY / "book", partial=True, kept=True)
        profile = read_profile(book.KEPT_PROFILE)
        out = book.build_folder("render")
    else:
        profile = read_profile(options.profile)
        executed = book.Executed(book.build_folder(profile.name), partial=options.partial)
        out = executed.folder
    print(book.build_html(book.assemble(profile, executed, out), out))


def _keep(options) -> None:
    from lib.book import assemble as book
    from lib.book.profiles import read_profile

    print("kept in book/:", ", ".join(book.keep(read_profile(options.profile))))


def _fidelity(options) -> int:
    from lib.book.fidelity import measure_chapters

    measured = measure_chapters(options.chapter)
    _write_json(options.json, [one.as_dict() for one in measured], "--json")
    return 0 if all(one.agrees for one in measured) else 1


def _clean_notebooks(options) -> int:
    from lib.book.gate import clean_notebook

    dirty = [path for path in sorted(paths.NOTEBOOKS.glob("*.ipynb")) if not clean_notebook(path, options.check)]
    verdict = "carries outputs or metadata; run `python -m lib clean-notebooks`" if options.check else "cleaned"
    for path in dirty:
        print(f"{path.name}: {verdict}")
    return 1 if dirty and options.check else 0


def _write_record(options, content: dict) -> None:
    _write_json(options.record, {"dataset": options.dataset, **content}, "--record")


def _write_json(path: Path | None, content: dict | list, option: str) -> None:
    if path is not None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(content, indent=1), encoding="utf-8")
        except OSError as error:
            raise ReplicationError(f"{option}: cannot write {path}: {error.strerror or error}") from error
