# The graph from data to book: data -> preprocessing -> runs -> chapters -> book, one rule a kind of step.
# Small JSON files under _build/<profile>/ stand for data, stores and runs, whose own folders are named by content.
import os
import shlex

from lib.datasets import ROOT_VARIABLES
from lib.profiles import TRAINING_NOTEBOOKS, read_profile

PROFILE = read_profile(config.get("profile", "quick"))
BUILD = f"_build/{PROFILE.name}"
MODELS = list(TRAINING_NOTEBOOKS.values())
LIBRARY = sorted(str(path) for path in Path("lib").rglob("*.py"))
PAPER = sorted(str(path) for path in Path("data/paper").iterdir())
PAGES = sorted(str(path) for path in Path("book").iterdir() if path.is_file())

wildcard_constraints:
    dataset="|".join(PROFILE.datasets),
    model="|".join(MODELS),
    notebook="|".join({notebook for _, notebook in PROFILE.chapters()}),


def options(values):
    """Command-line options of `python -m lib` from parameters."""
    return " ".join(f"--{name.replace('_', '-')} {shlex.quote(str(value))}" for name, value in values.items())


def root_of(wildcards):
    """The real dataset's folder, if the environment names one: a change of it must rerun whatever reads it."""
    return os.environ.get(ROOT_VARIABLES[wildcards.dataset], "")


def files_of(*folders):
    return [path for path in LIBRARY if path.startswith(tuple(f"lib/{folder}" for folder in folders))]


rule book:
    input:
        f"{BUILD}/html/index.html",
    default_target: True


rule data:
    input:
        files_of("standin", "datasets"),
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
        files_of("datasets", "preprocessing"),
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
        files_of("models", "protocols", "training", "runs", "metrics", "backend"),
    output:
        f"{BUILD}/runs/{{dataset}}/{{model}}.json",
    params:
        root=root_of,
        options=lambda w: options(PROFILE.datasets[w.dataset] | PROFILE.training.get(w.model, {}).get(w.dataset, {})),
    threads: workflow.cores
    resources:
        gpu=1,
    shell:
        "python -m lib train --dataset {wildcards.dataset} --model {wildcards.model} {params.options} --record {output}"


def chapter_inputs(wildcards):
    inputs = [f"{BUILD}/data/{wildcards.dataset}.json"]
    if wildcards.notebook != "01_data":
        inputs.append(f"{BUILD}/stores/{wildcards.dataset}.json")
    if wildcards.notebook in TRAINING_NOTEBOOKS:
        inputs.append(f"{BUILD}/runs/{wildcards.dataset}/{TRAINING_NOTEBOOKS[wildcards.notebook]}.json")
    return inputs


rule chapter:
    input:
        chapter_inputs,
        LIBRARY,
        PAPER,
        notebook="notebooks/{notebook}.ipynb",
    output:
        f"{BUILD}/chapters/{{dataset}}/{{notebook}}.ipynb",
    log:
        notebook=f"logs/{PROFILE.name}/{{dataset}}-{{notebook}}.ipynb",
        text=f"logs/{PROFILE.name}/{{dataset}}-{{notebook}}.log",
    params:
        root=root_of,
        parameters=lambda w: " ".join(
            f"-p {name} {shlex.quote(str(value))}"
            for name, value in (
                PROFILE.chapter_parameters(w.dataset, w.notebook)
                | {"results": f"{BUILD}/results/{w.dataset}/{w.notebook}.json"}
            ).items()
        ),
    # papermill writes to logs/ first: Snakemake removes the output of a rule that failed, and the notebook with the
    # error in it is what one wants to read.
    shell:
        "(papermill --no-progress-bar {input.notebook} {log.notebook} {params.parameters} > {log.text} 2>&1"
        " || (tail -n 30 {log.text}; exit 1)) && cp {log.notebook} {output}"


rule html:
    input:
        [f"{BUILD}/chapters/{dataset}/{notebook}.ipynb" for dataset, notebook in PROFILE.chapters()],
        PAGES,
        "_config.yml",
        "_toc.yml",
    output:
        f"{BUILD}/html/index.html",
    log:
        f"logs/{PROFILE.name}/jupyter-book.log",
    shell:
        "python -m lib assemble --profile {PROFILE.name}"
        f" && (jupyter-book build {BUILD}/src --config _config.yml --path-output {BUILD}"
        " -W --keep-going > {log} 2>&1 || (tail -n 40 {log}; exit 1))"
        f" && rm -rf {BUILD}/html && mv {BUILD}/_build/html {BUILD}/html"
