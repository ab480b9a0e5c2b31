"""Threads: as many as there are processors for them, and a message if they have to wait."""

import os
import time
from pathlib import Path

import pytest
from toys import libraries

from lintseq.cli import main
from lintseq.errors import ConfigError
from lintseq.lm.threads import ThreadWatch, use_threads
from lintseq.storage.pool import cpu_quotas, default_workers
from lintseq.study.running import device_budget

QUOTAS = {
    "none": ("0::/\n", {}, []),
    "version 2": ("0::/job/part\n", {"job/part/cpu.max": "150000 100000", "cpu.max": "max 100000"}, [1.5]),
    "that of a parent": ("0::/job/part\n", {"job/part/cpu.max": "max 100000", "job/cpu.max": "400000 100000"}, [4.0]),
    "a namespace that hides the path": ("0::/docker/abc\n", {"cpu.max": "200000 100000"}, [2.0]),
    "version 1": (
        "4:memory:/m\n1:cpu,cpuacct:/job\n0::/\n",
        {"cpu/job/cpu.cfs_quota_us": "50000", "cpu/job/cpu.cfs_period_us": "100000", "cpu/cpu.cfs_quota_us": "-1"},
        [0.5],
    ),
    "version 1 without a limit": ("1:cpu:/\n", {"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"}, []),
    "damaged": ("0::/\n", {"cpu.max": ""}, []),
}


@pytest.mark.parametrize("name", QUOTAS)
def test_the_quotas_of_cgroups_are_found(name: str, tmp_path: Path) -> None:
    own, files, quotas = QUOTAS[name]
    (tmp_path / "own").write_text(own)
    for path, text in files.items():
        (tmp_path / "fs" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "fs" / path).write_text(text + "\n")
    assert list(cpu_quotas(tmp_path / "fs", tmp_path / "own")) == quotas
    assert list(cpu_quotas(tmp_path / "fs", tmp_path / "nothing")) == []


@pytest.mark.parametrize(
    ("variable", "jobs", "threads", "expected"),
    [
        (None, None, None, (4, 2, 8)),
        (None, 2, None, (2, 4, 8)),
        (None, None, 1, (8, 1, 1)),
        (None, 2, 3, (2, 3, 3)),
        ("1", None, None, (8, 1, 1)),
        ("1", 2, None, (2, 1, 1)),
        ("2,1", 1, None, (1, 2, 2)),
        ("2", 2, 4, (2, 4, 4)),
        ("many", 2, None, (2, 4, 8)),
    ],
)
def test_a_study_divides_the_processors_unless_it_is_told_the_threads(
    variable: str | None,
    jobs: int | None,
    threads: int | None,
    expected: tuple[int, int, int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("lintseq.study.running.default_workers", lambda: 8)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    if variable is not None:
        monkeypatch.setenv("OMP_NUM_THREADS", variable)
    budget = device_budget(jobs, threads)
    assert (len(budget.devices), budget.threads, budget.cores) == expected


def test_a_study_needs_a_thread() -> None:
    with pytest.raises(ConfigError, match="--threads is 0"):
        device_budget(2, 0)


def test_torch_uses_the_threads_that_are_available(monkeypatch: pytest.MonkeyPatch) -> None:
    libraries()
    import torch

    def threads_after(threads: int | None) -> int:
        torch.set_num_threads(3)
        use_threads(threads)
        return torch.get_num_threads()

    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    assert threads_after(None) == min(3, default_workers())
    assert threads_after(2) == 2
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert threads_after(None) == 3
    torch.set_num_threads(1)


@pytest.mark.parametrize(
    ("variables", "spins"), [({}, "1000"), ({"GOMP_SPINCOUNT": "5"}, "5"), ({"OMP_WAIT_POLICY": "active"}, None)]
)
def test_commands_let_waiting_threads_spin_for_a_short_time_only(
    variables: dict[str, str], spins: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY"):
        monkeypatch.setenv(name, "")  # so that it is restored at the end
        monkeypatch.delenv(name)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert main(["--version"]) == 0
    assert os.environ.get("GOMP_SPINCOUNT") == spins


class Clock:
    """Both clocks of a thread that gets `share` of a processor."""

    def __init__(self, share: float, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 0.0
        monkeypatch.setattr(time, "monotonic", lambda: self.now)
        monkeypatch.setattr(time, "thread_time", lambda: self.now * share)


@pytest.mark.parametrize(("share", "words"), [(0.95, ""), (0.5, "process ran for 50% of the time")])
def test_busy_processors_are_reported_once(share: float, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    libraries()
    clock = Clock(share, monkeypatch)
    watch = ThreadWatch()
    clock.now = 4.0
    assert not watch.note()
    clock.now = 6.0
    assert words in watch.note()
    clock.now = 60.0
    assert not watch.note()
