"""What several files of tests use, made once whatever the number of workers, and the order in which files are run."""

import asyncio
from pathlib import Path

import papermill
import pytest
from jupyter_client import AsyncKernelManager
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_notebook

from lib.audit import findings
from lib.core import paths
from lib.datasets import ROOT_VARIABLES
from lib.standin import write_standin

LONGEST = ("test_book.py", "test_chapters.py", "test_real_data.py", "test_training.py", "test_backends.py")


def pytest_collection_modifyitems(items):
    """Begin with the files that take longest, so that no worker is left with one of them at the end."""
    items.sort(key=lambda item: LONGEST.index(item.path.name) if item.path.name in LONGEST else len(LONGEST))


@pytest.fixture(scope="session")
def shared_folder(tmp_path_factory, worker_id) -> Path:
    """One folder for all workers. What is made in it is made under a lock."""
    base = tmp_path_factory.getbasetemp()
    return base if worker_id == "master" else base.parent


@pytest.fixture(scope="session")
def audit_findings():
    """What the audit says of the paper."""
    return findings()


@pytest.fixture(scope="session")
def small_smic(shared_folder) -> Path:
    """The smallest stand-in, for tests that only look at one."""
    return write_standin("smic", shared_folder / "smic", clips=6, seed=3, jobs=1, progress=False)


@pytest.fixture(scope="session")
def book_checkout(shared_folder) -> Path:
    """Where the tiny book is built. Its data folder is that of the chapters which tests execute by themselves."""
    return shared_folder / "checkout"


@pytest.fixture(scope="session")
def kernel():
    """A kernel for one chapter after another, so that Keras is imported once."""
    manager = AsyncKernelManager(kernel_name="python3")
    yield manager
    if manager.has_kernel:
        asyncio.run(manager.shutdown_kernel(now=True))


@pytest.fixture(scope="session")
def execute(kernel, book_checkout):
    """`execute(name, folder, cwd, **parameters)` runs a chapter with papermill: (executed notebook, its results).

    With `guess=True` the networks that it trains guess (see `guessing`), which takes no time.
    """

    def run(
        name: str, folder: Path, cwd: Path = paths.REPOSITORY, guess: bool = False, **parameters
    ) -> tuple[Path, Path]:
        output, results = folder / f"{name}.ipynb", folder / f"{name}.json"
        fresh = [
            "import os, sys",
            f"os.environ['MICROEXP_DATA'] = {str(book_checkout / 'data')!r}",
            *(f"os.environ.pop({variable!r}, None)" for variable in ROOT_VARIABLES.values()),
            f"os.chdir({str(cwd)!r})",
            f"sys.path.append({str(Path(__file__).parent)!r})",
            f"if {guess} or 'lib.training.run' in sys.modules:",
            "    import guessing, lib.training.fit, lib.training.run",
            f"    lib.training.run.fit_fold = {'guessing' if guess else 'lib.training.fit'}.fit_fold",
            "get_ipython().reset(new_session=True)",  # neither names nor inputs of the chapter before
            "__spec__ = None",  # as in a new kernel; multiprocessing asks for it
        ]
        NotebookClient(new_notebook(cells=[new_code_cell("\n".join(fresh))]), km=kernel).execute()
        papermill.execute_notebook(
            paths.NOTEBOOKS / f"{name}.ipynb",
            output,
            {**parameters, "results": str(results)},
            km=kernel,
            progress_bar=False,
            kernel_name="python3",
        )
        return output, results

    return run
