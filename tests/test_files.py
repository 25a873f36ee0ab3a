"""What is written appears whole or not at all, one process at a time, and a place that cannot be written is named."""

import errno
import os
import pickle
import threading

import pytest

from lib.core.errors import DiskError, DiskFullError
from lib.core.files import locked, whole_file, whole_folder, writing


def names(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("failure", [KeyboardInterrupt, ValueError])
def test_a_file_that_fails_half_written_leaves_what_was_there(tmp_path, failure):
    path = tmp_path / "a" / "table.csv"
    for content in ("first", "second"):
        with whole_file(path) as draft:
            draft.write_text(content)
    with pytest.raises(failure), whole_file(path) as draft:
        draft.write_text("half")
        raise failure
    assert path.read_text() == "second"
    assert names(path.parent) == ["table.csv"]


def test_a_folder_appears_when_it_is_whole(tmp_path):
    path = tmp_path / "store"
    (tmp_path / ".store.draft").mkdir()
    (tmp_path / ".store.draft" / "rest_of_a_killed_process").touch()
    with whole_folder(path) as draft:
        (draft / "one").touch()
        assert not path.exists()
    assert names(path) == ["one"]
    with pytest.raises(KeyboardInterrupt), whole_folder(tmp_path / "other"):
        raise KeyboardInterrupt
    assert names(tmp_path) == ["store"]


def test_a_folder_that_holds_something_is_not_replaced(tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").touch()
    with pytest.raises(DiskError, match="mine cannot be written"), whole_folder(tmp_path / "mine"):
        pass
    assert names(tmp_path) == ["mine"]
    assert names(tmp_path / "mine") == ["notes.txt"]


@pytest.mark.parametrize(
    ("code", "kind"), [(errno.ENOSPC, DiskFullError), (errno.EDQUOT, DiskFullError), (errno.EROFS, DiskError)]
)
def test_a_disk_s_failure_says_where_what_and_what_to_do_and_comes_through_from_a_worker(code, kind):
    told = rf"runs cannot be written: .*{os.strerror(code)}.*Make room"
    with pytest.raises(DiskError, match=told) as raised, writing("runs"):
        raise OSError(code, os.strerror(code))
    assert type(raised.value) is type(pickle.loads(pickle.dumps(raised.value))) is kind


def test_who_finds_a_lock_taken_says_so_and_waits(tmp_path, capsys):
    order, waiting = [], threading.Event()

    def ask():
        waiting.set()
        with locked(tmp_path / "locks" / "a.lock", "training run a", progress=True):
            order.append("second")

    with locked(tmp_path / "locks" / "a.lock", "training run a", progress=True):
        thread = threading.Thread(target=ask)
        thread.start()
        waiting.wait()
        thread.join(timeout=0.3)
        order.append("first")
    thread.join()
    assert order == ["first", "second"]
    assert "Another process is training run a: waiting for it." in capsys.readouterr().out


def test_a_pipe_is_written_to_and_not_replaced(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    with whole_file(pipe) as draft:
        draft.write_text("told", encoding="utf-8")
    assert os.read(reader, 10) == b"told"
    os.close(reader)
    assert pipe.is_fifo()
