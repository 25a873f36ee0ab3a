"""Where a chapter comes from: effective parameters, code, data, runs, versions, device, wall time, and how to rerun it.

A chapter calls `begin` after its parameters cell and `finish` at its end. What `finish` shows to people it also stores
in the executed notebook for `lib.book.gate`, under the media type `MEDIA_TYPE`.
"""

import contextlib
import datetime
import html
import json
import os
import platform
import resource
import shlex
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path

from IPython.display import HTML, display

from lib.book.parameters import (
    chapter_modules,
    check_parameters,
    declared_parameters,
    injected_names,
    notebook_digest,
    source_path,
)
from lib.core import paths
from lib.core.digest import json_digest
from lib.core.errors import ConfigError
from lib.core.files import whole_file
from lib.core.machine import processor_name, settings
from lib.core.paths import commit
from lib.datasets.clip import Dataset
from lib.datasets.fingerprint import fingerprint
from lib.report import figures
from lib.training.records import trained_on

MEDIA_TYPE = "application/vnd.micro-expression.provenance+json"
PACKAGES = (
    "keras", "tensorflow", "jax", "numpy", "pandas", "scikit-learn", "opencv-python-headless", "dlib-bin", "papermill",
)  # fmt: skip


@dataclass
class Chapter:
    """A chapter that is being executed; made by `begin`."""

    notebook: str
    parameters: dict
    modules: dict[str, str]  # of `lib`, as they are when the chapter begins: what changes afterwards is not what runs
    started: float = field(default_factory=time.monotonic)

    def standin_notice(self, standin: Mapping | None) -> HTML | None:
        """The warning that whatever follows comes from a stand-in; None for real data."""
        if standin is None:
            return None
        return HTML(
            '<div class="admonition warning"><p class="admonition-title">Stand-in data</p><p>'
            "Everything on this page was computed on <strong>rendered faces of people who do not exist</strong>, "
            "written in the layout of the real dataset. It shows that the method runs and how it behaves; it is "
            "<strong>not a replication of the paper's figures</strong>, which stand beside it for orientation only."
            "</p></div>"
        )

    def source(self, store=None) -> dict:
        """What the judge needs beside results (`lib.book.verdicts`): what was read, a store or a dataset, and how."""
        standin = None if store is None or store.standin is None else dict(store.standin)
        if not hasattr(store, "config"):
            return {"parameters": self.parameters, "standin": standin}
        clips = store.clips["label"].value_counts().reindex(list(store.classes), fill_value=0)
        data = {"layout": store.layout, "clips": clips.to_dict(), "preprocessing": store.config.to_dict()}
        return {"parameters": self.parameters, "standin": standin, "data": data}

    def finish(self, results: Mapping, store=None, runs: Sequence = (), tolerance: float = 0.0) -> None:
        """Write the chapter's `results`, which JSON can hold, as data and show where they come from.

        `store` is the ProcessedStore or Dataset that was read, `runs` the run records. `tolerance` is how far numbers
        and pictures may differ on another machine, as `benchmarks/output_fidelity.py` measures it; 0: not at all, as
        with numbers that come from run records.
        """
        data_fingerprint = fingerprint(store) if isinstance(store, Dataset) else getattr(store, "fingerprint", None)
        record = {
            "notebook": self.notebook,
            "notebook_digest": notebook_digest(source_path(self.notebook)),
            "modules": self.modules,
            **self.source(store),
            "data_fingerprint": data_fingerprint,
            "runs": [run.id for run in runs],
            "devices": sorted({trained_on(run) for run in runs}),
            "backends": sorted({run.provenance["backend"] for run in runs}),
            "kept": sum(run.path.parent == paths.CITED_RUNS for run in runs),
            "processor": processor_name(),
            "settings": settings(),
            "run_seconds": sum(float(run.provenance["wall_seconds"]) for run in runs),
            "commit": commit(),
            "versions": versions(),
            "wall_seconds": round(time.monotonic() - self.started, 1),
            "peak_memory_mb": peak_memory_mb(),
            "finished": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
            "command": self.command(),
            "tolerance": tolerance,
        }
        given = self.parameters.get("results")
        name = f"{self.notebook}-{json_digest(self.parameters)[:12]}.json"
        path = Path(given).resolve() if given else paths.results_folder() / name
        with whole_file(path) as draft:
            draft.write_text(json.dumps({"results": results, "provenance": record}, indent=1), encoding="utf-8")
        takes = (
            f"To rerun this chapter, from the root of the checkout ({record['wall_seconds'] / 60:.1f} minutes and "
            f"{record['peak_memory_mb'] / 1000:.1f} GB of memory"
            + (f"; {record['run_seconds'] / 60:,.1f} minutes more to train its runs):" if runs else "):")
        )
        rows = {
            "Parameters": "<br>".join(
                f"<code>{name} = {html.escape(repr(value))}</code>" for name, value in self.parameters.items()
            ),
            "Data": ("stand-in" if record["standin"] else "real data" if store is not None else "none")
            + (f", fingerprint <code>{record['data_fingerprint'][:16]}</code>" if record["data_fingerprint"] else ""),
            "Runs": "<br>".join(f"<code>{run}</code>" for run in record["runs"]) or "none",
            "Trained on": html.escape("; ".join(record["devices"]))
            + (f" ({record['kept']} of {len(runs)} runs are kept with the book)" if record["kept"] else ""),
            "Executed on": html.escape(record["processor"]),
            "Code": f"commit <code>{record['commit']}</code>, {len(self.modules)} modules of <code>lib</code>",
            "Versions": html.escape(", ".join(f"{name} {version}" for name, version in record["versions"].items())),
            "Wall time": f"{record['wall_seconds']:.1f} s for this chapter"
            + (f"; its runs took {record['run_seconds']:.1f} s" if runs else ""),
            "Finished": record["finished"],
            "Results as data": f"<code>{html.escape(paths.display_path(path))}</code>",
        }
        if not runs:
            del rows["Trained on"]
        cell = '<{0} style="text-align:left;vertical-align:top">{1}</{0}>'
        body = "".join(f"<tr>{cell.format('th', name)}{cell.format('td', value)}</tr>" for name, value in rows.items())
        # as Sphinx writes code, so that the book's page gives it a button that copies it
        command = f'<div class="highlight"><pre>{html.escape(record["command"])}</pre></div>'
        shown = f'<p>{takes}</p>{command}<table class="provenance">{body}</table>'
        display({"text/html": shown, MEDIA_TYPE: record}, raw=True)

    def command(self) -> str:
        """The command that reruns this chapter with these parameters, from the root of the checkout."""
        declared = declared_parameters(self.notebook)
        arguments = ""
        for name, value in self.parameters.items():
            if name != "results" and value != declared[name].default:
                # papermill's `-p` turns text that looks like a number or a boolean into one; `-r` leaves it alone
                plain = not isinstance(value, str) or (value[:1].isalpha() and value not in ("True", "False", "None"))
                arguments += f" {'-p' if plain else '-r'} {name} {shlex.quote(str(value))}"
        return f"papermill notebooks/{self.notebook}.ipynb out.ipynb{arguments}"


def begin(notebook: str, namespace: Mapping) -> Chapter:
    """Start a chapter, in the checkout: refuse unknown or mistyped parameters, note the effective ones and the time.

    `namespace` is the notebook's `globals()`, in which papermill has set the parameters.
    """
    os.chdir(paths.REPOSITORY)  # where papermill starts a chapter; JupyterLab starts it in notebooks/
    if str(paths.REPOSITORY) not in sys.path:
        sys.path.insert(0, str(paths.REPOSITORY))
    figures.use_style()
    declared = declared_parameters(notebook)
    injected = injected_names(list(namespace.get("In", [])))
    if missing := [name for name in declared if name not in namespace]:
        raise ConfigError(f"{notebook}: run the parameters cell first; it sets {', '.join(missing)}")
    parameters = {name: namespace[name] for name in declared}
    check_parameters({name: namespace.get(name) for name in injected} | parameters, declared, notebook)
    return Chapter(notebook, parameters, chapter_modules(notebook))


def peak_memory_mb() -> int:
    """The most memory that this process has held so far."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(most / 1e6 if sys.platform == "darwin" else most / 1e3)  # macOS counts bytes, Linux kilobytes


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that decide a result, of those that are installed."""
    found = {"Python": platform.python_version(), "platform": sys.platform}
    for name in PACKAGES:
        with contextlib.suppress(metadata.PackageNotFoundError):
            found[name] = metadata.version(name)
    return found
