"""Faults of the machine: builds that are killed, a disk that fills, a disk that cannot be written, two builds at once.

    python tests/slow/faults.py kills --times 100     # 10 take some ten minutes on two cores, with --target runs five
    python tests/slow/faults.py full-disk             # this and the next need root, for a disk of their own
    python tests/slow/faults.py read-only
    python tests/slow/faults.py two-builds

Each works in copies of the checkout on a book of three short trainings, and ends with an error where a finished run was
lost, changed or trained again, where anything is half-written, or where the numbers in the end are not those of a
build that nothing happened to. No part of `make test`, because of the time that it takes.
"""

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from checkout import build_environment, copy_checkout  # noqa: E402

from lib.preprocessing import open_store  # noqa: E402
from lib.training.records import is_record, open_run  # noqa: E402

MARK = "MICROEXP_FAULTS"  # in the environment of whatever is started here: also of what its parent leaves behind
PROFILE = """
datasets: {smic: {clips: 12, standin_seed: 0}}
chapters:
  03_micro_exp_stcnn: {smic: {epochs: 8}}
  04_fusenet_intermediate: {smic: {epochs: 2}}
  05_fusenet_late: {smic: {epochs: 2}}
"""
FREE_MB = (0, 1, 4, 16, 40, 70, 100, 150, 250, 400)
# Short trainings would end before their first state is saved.
OFTENER = {"LEAST_SECONDS = 20.0": "LEAST_SECONDS = 0.0", "SHARE_OF_TIME = 0.1": "SHARE_OF_TIME = 1.0"}


class Build:
    """A copy of the checkout in which the book is built, in part (`target`) or whole."""

    def __init__(self, folder: Path, target: str, data: Path | None = None) -> None:
        self.folder, self.target, self.mark = copy_checkout(folder), target, uuid.uuid4().hex
        self.data = data or folder / "data"
        self.known: dict[str, dict[str, bytes]] = {}  # the files of each run when it was first seen
        (folder / "profiles/faults.yml").write_text(PROFILE)
        checkpoint = folder / "lib/training/checkpoint.py"
        text = checkpoint.read_text()
        for usual, here in OFTENER.items():
            assert usual in text, f"{checkpoint} has no {usual}"
            text = text.replace(usual, here)
        checkpoint.write_text(text)

    def start(self) -> subprocess.Popen:
        command = [*(sys.executable, "-m", "lib", "snakemake", "--cores", "2", "--quiet", "host", "reason", "rules")]
        command += ["--config", "profile=faults", "--resources", "gpu=1", "--rerun-incomplete", "--", self.target]
        environment = build_environment(self.folder) | {MARK: self.mark, "MICROEXP_DATA": str(self.data)}
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
        return subprocess.Popen(command, cwd=self.folder, env=environment, start_new_session=True, **pipes)

    def finish(self) -> tuple[int, str]:
        process = self.start()
        output, _ = process.communicate()
        return process.returncode, output

    def processes(self) -> list[psutil.Process]:
        """Every process of this build that lives, its orphans among them."""
        found = []
        for process in psutil.process_iter():
            try:
                if process.environ().get(MARK) == self.mark and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
            except psutil.Error:
                continue
        return found

    def kill(self, among: str = "") -> None:
        """Kill the processes whose command line has this word, and what they start meanwhile."""
        while chosen := [process for process in self.processes() if among in " ".join(_command(process))]:
            for process in chosen:
                _kill(process)
            psutil.wait_procs(chosen, timeout=10)

    def clear(self) -> None:
        for name in ("data/raw", "data/processed", "data/runs", "data/weights", "_build", "logs", ".snakemake"):
            shutil.rmtree(self.folder / name, ignore_errors=True)
        self.known = {}

    def check(self) -> None:
        """Every run seen before is there as it was, and whatever bears a final name is whole."""
        for folder in sorted(self.data.glob("runs/*")):
            if is_record(folder):
                record = open_run(folder)
                assert len(record.history) == record.config.epochs, f"{folder} is cut short"
                record.summary()
                files = {path.name: path.read_bytes() for path in folder.iterdir()}
                assert self.known.setdefault(folder.name, files) == files, f"{folder} was trained again"
            else:
                assert "." in folder.name, f"{folder} is half a run"
        lost = [name for name in self.known if not is_record(self.data / "runs" / name)]
        assert not lost, f"finished runs were lost: {lost}"
        for folder in self.data.glob("processed/*-*"):
            if folder.is_dir() and not folder.name.startswith(".") and folder.suffix != ".partial":
                open_store(folder)
        for path in (self.folder / "_build").glob("faults/[!h]*/**/*.json"):
            json.loads(path.read_text(encoding="utf-8"))

    def numbers(self) -> dict[str, tuple[bytes, ...]]:
        tables = ("config.json", "history.csv", "predictions.csv")
        folders = [folder for folder in self.data.glob("runs/*") if is_record(folder)]
        return {folder.name: tuple((folder / name).read_bytes() for name in tables) for folder in folders}


def _command(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def _kill(process: psutil.Process) -> None:
    with suppress(psutil.NoSuchProcess):
        process.kill()


def undisturbed(folder: Path, target: str) -> tuple[dict[str, tuple[bytes, ...]], float]:
    """The numbers of a build that nothing happens to, and how long it takes, in seconds."""
    begun, build = time.monotonic(), Build(folder, target)
    code, output = build.finish()
    assert code == 0, output
    build.check()
    assert len(build.numbers()) == 3
    return build.numbers(), time.monotonic() - begun


def end_well(build: Build, expected: dict[str, tuple[bytes, ...]]) -> None:
    code, output = build.finish()
    assert code == 0, output
    build.check()
    assert build.numbers() == expected, "the numbers are not those of a build that nothing happened to"


def kills(folder: Path, target: str, times: int, seed: int) -> None:
    """Kill a build at random moments: all its processes at once, or some, so that others outlive it for a while."""
    chance = random.Random(seed)
    expected, seconds = undisturbed(folder / "undisturbed", target)
    build, finished = Build(folder / "killed", target), 0
    for number in range(1, times + 1):
        process, moment = build.start(), chance.uniform(0, seconds / 2)  # what was done before the last kill is done
        try:
            output, _ = process.communicate(timeout=moment)
        except subprocess.TimeoutExpired:
            how = chance.choice(("all at once", "one process, then the build", "the build, not its jobs"))
            if how == "one process, then the build" and (alive := build.processes()):
                _kill(chance.choice(alive))
                time.sleep(chance.uniform(0, 3))
            build.kill("" if how == "all at once" else "snakemake")
            process.stdout.close()
            build.check()
        else:
            assert process.returncode == 0, output
            how = "finished before"
            end_well(build, expected)
            build.clear()
            finished += 1
        print(f"{number}/{times}: after {moment:.0f} s, {how}; {len(build.known)} runs finished", flush=True)
    end_well(build, expected)
    print(f"{times - finished} kills; every build went on and ended with the same numbers")


@contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[Path]:
    folder.mkdir(parents=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder)], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def full_disk(folder: Path, target: str) -> None:
    """Build on a disk with hardly any space, then with a little more, and so on until there is enough."""
    expected, _ = undisturbed(folder / "undisturbed", target)
    with small_disk(folder / "disk", megabytes=1000) as disk:
        build, ballast = Build(disk / "checkout", target), disk / "ballast"
        for free in FREE_MB:
            ballast.unlink(missing_ok=True)
            with ballast.open("wb") as file:
                os.posix_fallocate(file.fileno(), 0, max(1, shutil.disk_usage(disk).free - free * 2**20))
            code, output = build.finish()
            said = [line for line in output.splitlines() if "No space left" in line]
            print(f"{free} MB: status {code}; {(said or ['nothing of space said'])[0][:150]}", flush=True)
            assert (code == 0) != bool(said), output
            build.check()
            if code == 0:
                break
        end_well(build, expected)
    print("as much as there was room for was kept, and the build went on from it")


def read_only(folder: Path, target: str) -> None:
    """Build on a disk that cannot be written, before anything is made and after."""
    with small_disk(folder / "disk", megabytes=1000) as disk:
        build = Build(disk / "checkout", target)
        for made in (False, True):
            if made:
                expected = build.finish()
                assert expected[0] == 0, expected[1]
            subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
            code, output = build.finish()
            print(f"{'after' if made else 'before'} a build: status {code}; {output.strip().splitlines()[-1][:200]}")
            assert code == 1 and "Traceback" not in output and "cannot be written" in output, output
            subprocess.run(["mount", "-o", "remount,rw", str(disk)], check=True)
            build.check()


def two_builds(folder: Path, target: str) -> None:
    """Two at once: in one checkout the second is refused, in two that share their data each run is trained once."""
    expected, _ = undisturbed(folder / "undisturbed", target)
    one = Build(folder / "one", target, data=folder / "shared")
    other = Build(folder / "other", target, data=folder / "shared")
    running = [one.start(), other.start()]
    time.sleep(5)
    code, output = one.finish()
    assert code == 1 and "another build is running" in output, output
    for process in running:
        output, _ = process.communicate()
        assert process.returncode == 0, output
    one.check()
    assert one.numbers() == expected
    sittings = [json.loads(path.read_text())["sittings"] for path in (folder / "shared").glob("runs/*/provenance.json")]
    assert sittings == [1, 1, 1]
    print("the second build of a checkout was refused; two that share their data made each run once")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("fault", choices=("kills", "full-disk", "read-only", "two-builds"))
    parser.add_argument("--times", type=int, default=100, help="kills (default: 100)")
    parser.add_argument("--seed", type=int, default=0, help="of the moments of the kills (default: 0)")
    parser.add_argument("--target", default="book", help="what is built: book, or only runs (default: book)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        test = globals()[options.fault.replace("-", "_")]
        more = {"times": options.times, "seed": options.seed} if test is kills else {}
        test(Path(folder), options.target, **more)


if __name__ == "__main__":
    main()
