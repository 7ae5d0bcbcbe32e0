"""CPU quota: read from either cgroup version, and shared between searches and libraries."""

import os
import sys
from pathlib import Path

import pytest

from clockifyrag_index.quota import cpu_quota
from clockifyrag_service.threads import limit_library_threads, search_threads, take_short_turns

CPUS = len(os.sched_getaffinity(0))


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        pytest.param({"cpu.max": "100000 100000\n"}, 1, id="v2-one"),
        pytest.param({"cpu.max": "50000 100000\n"}, 1, id="v2-half-is-one-thread"),
        pytest.param({"cpu.max": "max 100000\n"}, CPUS, id="v2-unlimited"),
        pytest.param({"cpu.max": "99900000 100000\n"}, CPUS, id="v2-more-than-there-are"),
        pytest.param({"cpu/cpu.cfs_quota_us": "100000\n", "cpu/cpu.cfs_period_us": "100000\n"}, 1, id="v1-one"),
        pytest.param({"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"}, CPUS, id="v1-unlimited"),
        pytest.param({}, CPUS, id="no-cgroup"),
    ],
)
def test_the_quota_is_read(tmp_path: Path, files: dict[str, str], expected: int) -> None:
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)

    assert expected == cpu_quota(tmp_path)


@pytest.mark.parametrize(
    ("wanted", "quota", "threads", "library"),
    [
        pytest.param(4, 2, 2, 1, id="more-wanted-than-allowed"),
        pytest.param(4, 8, 4, 2, id="libraries-share-the-rest"),
        pytest.param(8, 1, 1, 1, id="one-cpu"),
    ],
)
def test_searches_and_libraries_together_use_the_quota(
    wanted: int, quota: int, threads: int, library: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "RAYON_NUM_THREADS", "OMP_WAIT_POLICY"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)

    limit_library_threads(wanted, quota)

    assert threads == search_threads(wanted, quota)
    assert (str(library), "PASSIVE") == (os.environ["OMP_NUM_THREADS"], os.environ["OMP_WAIT_POLICY"])


def test_a_limit_that_is_set_already_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "3")

    limit_library_threads(4, 8)

    assert "3" == os.environ["OMP_NUM_THREADS"]


def test_a_computing_thread_gives_way_to_the_event_loop_soon() -> None:
    before = sys.getswitchinterval()
    try:
        take_short_turns()
        assert sys.getswitchinterval() <= 0.001
    finally:
        sys.setswitchinterval(before)
