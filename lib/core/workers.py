"""One pool of processes for work that takes a core each. What the work is, and its progress bar, are the caller's."""

import multiprocessing
import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from typing import Any

from lib.core.checks import whole_number
from lib.core.errors import WorkerError


def check(jobs: int | None) -> None:
    """Refuse a number of processes that cannot be, and a call that would start workers within a starting worker.

    A spawned worker runs the calling script's top level again. If that asks for the same work, the worker would wait
    for a lock that its own parent holds: call this before taking one.
    """
    if jobs is not None:
        whole_number("jobs", jobs, 1)
    # the flag by which multiprocessing itself refuses such a start
    if getattr(multiprocessing.current_process(), "_inheriting", False):
        raise WorkerError(
            "Work was asked for while a worker process was starting: a script must ask for it below "
            "`if __name__ == '__main__':`, or with jobs=1."
        )


def work_through(
    work: Callable,
    tasks: Sequence[tuple],
    jobs: int | None,
    done: Callable[[int], object],
    start: Callable[[], object] | None = None,
) -> list[Any]:
    """What ``work(*task)`` returns for every task, in their order, done by `jobs` processes, or here if one is enough.

    `work` is a function of a module, for it is sent to the processes, as are tasks and results; without `jobs` there is
    one for each core. `done` is told the position of each task when it is completed, in order of completion. `start` is
    what each process does first. `WorkerError` if one dies; an error that `work` raises comes through as it is.
    """
    jobs = min(jobs or os.cpu_count() or 1, len(tasks))
    results: list[Any] = [None] * len(tasks)
    if jobs <= 1:
        if start is not None and tasks:
            start()
        for position, task in enumerate(tasks):
            results[position] = work(*task)
            done(position)
        return results
    # spawned, not forked: a fork of a process in which TensorFlow has started its threads may hang
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(jobs, mp_context=context, initializer=_begin, initargs=(start,))
    try:
        positions = {pool.submit(work, *task): position for position, task in enumerate(tasks)}
        for future in as_completed(positions):
            results[positions[future]] = future.result()
            done(positions[future])
    except BrokenProcessPool as error:
        raise WorkerError(
            "A worker process died: out of memory, killed, or started by a script that asks for work outside "
            "`if __name__ == '__main__':`. Ask again; if it happens again, with jobs=1."
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)
    return results


def _begin(start: Callable[[], object] | None) -> None:
    # A parent that is killed cannot stop its workers: they would write where the next call begins anew, or wait for
    # work for ever.
    threading.Thread(target=_exit_after, args=(multiprocessing.parent_process(),), daemon=True).start()
    if start is not None:
        start()


def _exit_after(parent) -> None:
    parent.join()
    os._exit(1)
