"""The build graph on a Slurm cluster of one node. Opt-in: it starts daemons of this machine as root.

apt-get install slurm-wlm munge
python -m pip install -r requirements-cluster.in
MICROEXP_TEST_SLURM=1 python -m pytest tests/test_slurm.py
"""

import importlib.util
import os
import re
import shutil
import subprocess
import sys

import pytest
from checkout import build_environment, copy_checkout

from lib.book.profiles import available, read_profile
from lib.core import paths
from lib.training.records import list_runs

ONE_NODE = paths.REPOSITORY / "tests" / "slurm" / "start_one_node.sh"


def why_not() -> str:
    """What keeps the test from running; empty if nothing does."""
    if os.environ.get("MICROEXP_TEST_SLURM") != "1":
        return "set MICROEXP_TEST_SLURM=1 to start a Slurm node on this machine"
    if shutil.which("sbatch") is None:
        return "sbatch is missing: apt-get install slurm-wlm munge"
    if importlib.util.find_spec("snakemake_executor_plugin_slurm") is None:
        return "Snakemake's plug-in is missing: python -m pip install -r requirements-cluster.in"
    return ""


@pytest.fixture
def one_node():
    """A Slurm node, stopped afterwards unless it was there before."""
    before = subprocess.run(["scontrol", "ping"], capture_output=True).returncode == 0
    if not before:
        started = subprocess.run([ONE_NODE], capture_output=True, text=True)
        assert started.returncode == 0, started.stdout + started.stderr
    yield
    if not before:
        subprocess.run([ONE_NODE, "stop"], check=True)


@pytest.mark.slow
@pytest.mark.slurm
@pytest.mark.skipif(bool(why_not()), reason=why_not() or "runs")
def test_each_step_is_a_slurm_job_with_its_cores_memory_time_and_gpu(one_node, tmp_path):
    checkout = copy_checkout(tmp_path / "checkout")
    chapter = "_build/tiny/chapters/smic/03_micro_exp_stcnn.ipynb"
    command = [
        *(sys.executable, "-m", "snakemake", "--profile", "profiles/slurm", "--config", "profile=tiny", "gpu=yes"),
        # this node keeps no accounts and is asked more often than a cluster would like
        *("--slurm-status-command", "squeue", "--slurm-init-seconds-before-status-checks", "2", "--latency-wait", "5"),
        *("--", chapter),
    ]
    build = subprocess.run(command, cwd=checkout, env=build_environment(checkout), capture_output=True, text=True)
    log = build.stdout + build.stderr
    assert build.returncode == 0, log
    assert (checkout / chapter).is_file()

    jobs = {job["Comment"].split("_")[1]: job for job in map(slurm_job, submitted(log))}
    assert sorted(jobs) == ["chapter", "data", "run", "store"]
    assert {job["JobState"] for job in jobs.values()} == {"COMPLETED"}
    asked_for = {name: (job["NumCPUs"], job["MinMemoryNode"]) for name, job in jobs.items()}
    assert asked_for == {
        "data": ("8", "4000M"),
        "store": ("8", "8000M"),
        "run": ("2", "3000M"),
        "chapter": ("1", "3000M"),
    }
    assert jobs["run"]["TimeLimit"] == "04:00:00"
    assert {name for name, job in jobs.items() if "gpu" in job.get("TresPerJob", "")} == {"run"}

    (config,) = read_profile("tiny").runs("smic", "03_micro_exp_stcnn")
    table = list_runs(checkout / "data" / "runs")
    assert (table["model"].tolist(), table["epochs"].tolist()) == ([config.model], [config.epochs])


def test_the_cluster_profile_is_not_taken_for_a_scale():
    assert (paths.REPOSITORY / "profiles" / "slurm" / "config.yaml").is_file()
    assert "slurm" not in available()


def submitted(log: str) -> list[str]:
    return re.findall(r"has been submitted with SLURM jobid (\d+)", log)


def slurm_job(job_id: str) -> dict[str, str]:
    """What Slurm itself knows of a job."""
    shown = subprocess.run(["scontrol", "show", "job", job_id], capture_output=True, text=True, check=True).stdout
    return dict(word.split("=", 1) for word in shown.split() if "=" in word)
