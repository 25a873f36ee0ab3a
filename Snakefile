# The graph from data to book: data -> preprocessing -> runs -> chapters -> book, one rule a kind of step.
# Small JSON files under _build/<profile>/ stand for data, stores and runs, whose own folders are named by content.
#
# --config profile=quick|full|tiny   the scale
# --config train=no                  execute chapters on the runs that exist; what is missing is shown as missing
# --config gpu=yes|no                whether trainings ask for a GPU (default: whether this machine has one)
import json
import os
import shlex
import shutil
from functools import cache
from types import SimpleNamespace

from lib.book.chapters import CHAPTERS as ROWS
from lib.book.chapters import NO_DATASET
from lib.book.parameters import chapter_modules
from lib.book.profiles import read_profile
from lib.core import paths
from lib.core.catalogue import DATASETS, ROOT_VARIABLES
from lib.core.digest import json_digest, library_modules
from lib.datasets.fingerprint import listing_digest
from lib.networks.startup import backend_is_chosen, configured_backend
from lib.training.records import RunConfig, decided_by, find_run

PROFILE = read_profile(config.get("profile", "quick"))
TRAIN = str(config.get("train", "yes")).lower() not in ("no", "false")
GPU = str(config.get("gpu", bool(shutil.which("nvidia-smi")))).lower() in ("yes", "true")
BUILD = f"_build/{PROFILE.name}"
WITH_WEIGHTS = {
    (dataset, config.slug)
    for dataset, notebook in PROFILE.chapters()
    if ROWS[notebook].needs_weights
    for config in PROFILE.runs(dataset, notebook)
}
# What is kept with the book is found by the chapters themselves, except weights, which no record holds.
RUNS = {
    dataset: {
        slug: config
        for slug, config in PROFILE.all_runs(dataset).items()
        if config not in PROFILE.kept[dataset] or (dataset, slug) in WITH_WEIGHTS
    }
    for dataset in PROFILE.datasets
}
PAPER = sorted(str(path) for path in Path("data/paper").iterdir())
# what the pages are made from beside chapters and code
PAGES = [path for path in Path("book").iterdir() if path.is_file()] + list(Path("book/_static").rglob("*.*"))
PAGES = sorted(map(str, [*PAGES, *Path("data/standin").glob("*.csv"), *Path("profiles").glob("*.yml"), "CITATION.cff"]))


def can_be_executed(dataset, notebook):
    """Whether a chapter has what it needs. Where nothing may be trained, some cannot do without their run."""
    if TRAIN or ROWS[notebook].can_lack_runs or not PROFILE.runs(dataset, notebook):
        return True
    record = Path(f"{BUILD}/stores/{dataset}.json")
    if not record.is_file():  # only its content names the runs; `make book TRAIN=no` makes the stores first
        return False
    store = SimpleNamespace(fingerprint=json.loads(record.read_text())["fingerprint"])
    return all(find_run(config, store, paths.runs_folder()) for config in PROFILE.runs(dataset, notebook))


CHAPTERS = [chapter for chapter in PROFILE.chapters() if can_be_executed(*chapter)]

wildcard_constraints:
    dataset="|".join([*PROFILE.datasets, NO_DATASET]),
    run="[^/]+",
    notebook="|".join({notebook for _, notebook in PROFILE.chapters()}),


def options(values):
    """Command-line options of `python -m lib` from parameters."""
    words = {name: value if isinstance(value, list) else [value] for name, value in values.items()}
    return " ".join(f"--{name.replace('_', '-')} {shlex.join(map(str, value))}" for name, value in words.items())


def step(run, weights):
    """The command that makes a record."""
    return f"train --accept-divergence {weights}" if isinstance(run, RunConfig) else "baselines --jobs 1"


@cache
def listed(root):
    return f"{root} {listing_digest(Path(root).expanduser())}"


def root_of(wildcards):
    """The real dataset's folder and what lies there, if the environment names one: a change reruns whatever reads it."""
    root = os.environ.get(ROOT_VARIABLES.get(wildcards.dataset, ""), "")
    return listed(root) if root else ""


def modules_behind(module):
    """The files of `lib` that a step runs: those that its module imports, directly or through others."""
    return list(library_modules(f"import {module}"))


localrules:
    book,
    html,


rule book:
    input:
        f"{BUILD}/html/index.html",
    default_target: True


rule runs:  # every training of the profile, and nothing else
    input:
        [f"{BUILD}/runs/{dataset}/{run}.json" for dataset, runs in RUNS.items() for run in runs],


rule stores:
    input:
        [f"{BUILD}/stores/{dataset}.json" for dataset in PROFILE.datasets],


rule data:
    input:
        modules_behind("lib.sources"),
    output:
        f"{BUILD}/data/{{dataset}}.json",
    params:
        root=root_of,
        options=lambda w: options(PROFILE.datasets[w.dataset]),
    threads: workflow.cores
    shell:
        "python -m lib data --dataset {wildcards.dataset} {params.options} --record {output}"


rule store:
    input:
        f"{BUILD}/data/{{dataset}}.json",
        modules_behind("lib.sources"),
    output:
        f"{BUILD}/stores/{{dataset}}.json",
    params:
        root=root_of,
        options=lambda w: options(PROFILE.datasets[w.dataset]),
    threads: workflow.cores
    shell:
        "python -m lib preprocess --dataset {wildcards.dataset} {params.options} --record {output}"


rule run:
    input:
        f"{BUILD}/stores/{{dataset}}.json",
    output:
        f"{BUILD}/runs/{{dataset}}/{{run}}.json",
    log:
        f"logs/{PROFILE.name}/runs/{{dataset}}-{{run}}.log",
    params:
        root=root_of,
        options=lambda w: options(PROFILE.datasets[w.dataset] | RUNS[w.dataset][w.run].to_dict()),
        step=lambda w: step(RUNS[w.dataset][w.run], "--keep-weights" if (w.dataset, w.run) in WITH_WEIGHTS else ""),
        # a change of any of these asks for other runs; a comment, or how a module is laid out, does not
        decided_by=lambda w: json_digest(decided_by(RUNS[w.dataset][w.run])),
        kept=[paths.use_kept(), backend_is_chosen()],
    # A training gains little from more than two threads; on two cores it has one, so that chapters go on beside it.
    threads: 1 if workflow.cores <= 2 else 2
    resources:
        gpu=int(GPU),
        mem_mb=lambda w: DATASETS[w.dataset].memory_mb,
    shell:
        "TF_NUM_INTRAOP_THREADS={threads} OMP_NUM_THREADS={threads}"
        " python -m lib {params.step} --dataset {wildcards.dataset} {params.options}"
        " --progress lines --record {output} 2> {log} || (tail -n 20 {log}; exit 1)"


def chapter_inputs(wildcards):
    if wildcards.dataset == NO_DATASET:
        return []
    inputs = [f"{BUILD}/data/{wildcards.dataset}.json"]
    if ROWS[wildcards.notebook].needs_store:
        inputs.append(f"{BUILD}/stores/{wildcards.dataset}.json")
    if TRAIN:
        asked = [config.slug for config in PROFILE.runs(wildcards.dataset, wildcards.notebook)]
        inputs += [f"{BUILD}/runs/{wildcards.dataset}/{slug}.json" for slug in asked if slug in RUNS[wildcards.dataset]]
    return inputs


def chapter_parameters(wildcards):
    parameters = PROFILE.chapter_parameters(wildcards.dataset, wildcards.notebook)
    parameters["results"] = f"{BUILD}/results/{wildcards.dataset}/{wildcards.notebook}.json"
    if not TRAIN and ROWS[wildcards.notebook].can_lack_runs:
        parameters["train_missing"] = False
    # -r keeps text as it is: papermill's -p would make a number of "0.01"
    flags = {name: "-r" if isinstance(value, str) else "-p" for name, value in parameters.items()}
    return " ".join(f"{flags[name]} {name} {shlex.quote(str(value))}" for name, value in parameters.items())


rule chapter:
    input:
        chapter_inputs,
        lambda w: list(chapter_modules(w.notebook)),
        PAPER,
        notebook="notebooks/{notebook}.ipynb",
    output:
        f"{BUILD}/chapters/{{dataset}}/{{notebook}}.ipynb",
    log:
        notebook=f"logs/{PROFILE.name}/{{dataset}}-{{notebook}}.ipynb",
        text=f"logs/{PROFILE.name}/{{dataset}}-{{notebook}}.log",
    params:
        root=root_of,
        backend=[configured_backend(), backend_is_chosen()],
        kept=paths.use_kept(),
        parameters=chapter_parameters,
    resources:
        mem_mb=lambda w: 1000 if w.dataset == NO_DATASET else DATASETS[w.dataset].memory_mb,
    # papermill writes to logs/ first: Snakemake removes the output of a rule that failed, and the notebook with the
    # error in it is what one wants to read.
    shell:
        "(papermill --no-progress-bar {input.notebook} {log.notebook} {params.parameters} > {log.text} 2>&1"
        " || (tail -n 30 {log.text}; exit 1)) && cp {log.notebook} {output}"


rule html:
    input:
        [f"{BUILD}/chapters/{dataset}/{notebook}.ipynb" for dataset, notebook in CHAPTERS],
        PAGES,
        modules_behind("lib.book.assemble"),
        modules_behind("lib.book.theme"),
        "_config.yml",
        "_toc.yml",
    output:
        f"{BUILD}/html/index.html",
    params:
        partial="" if TRAIN else "--partial",
    shell:
        "python -m lib book --profile {PROFILE.name} {params.partial}"
