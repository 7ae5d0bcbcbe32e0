"""Memory that is left: of the machine, or of the cgroup, with what the kernel keeps of files counted as free."""

from pathlib import Path

import pytest

from clockifyrag_cli.memory import available_memory_bytes

GIB = 2**30
# A machine with a gibibyte that nobody uses at all and seven that hold files read before.
MEMINFO = f"MemTotal: {16 * 2**20} kB\nMemFree: {2**20} kB\nMemAvailable: {8 * 2**20} kB\nCached: {7 * 2**20} kB\n"
VERSION_2 = {"memory.max": str(3 * GIB), "memory.current": str(3 * GIB), "memory.stat": f"inactive_file {GIB}\n"}
VERSION_1 = {
    "memory/memory.limit_in_bytes": str(3 * GIB),
    "memory/memory.usage_in_bytes": str(3 * GIB),
    "memory/memory.stat": f"inactive_file 5\ntotal_inactive_file {GIB}\n",
}


@pytest.mark.parametrize(
    ("cgroup", "available"),
    [
        pytest.param({}, 8 * GIB, id="no cgroup"),
        pytest.param({"memory.max": "max\n", "memory.current": "5"}, 8 * GIB, id="a cgroup without a limit"),
        pytest.param(VERSION_2, GIB, id="a limit"),
        pytest.param(VERSION_1, GIB, id="a limit of version 1"),
        pytest.param({"memory.max": str(64 * GIB), "memory.current": "5"}, 8 * GIB, id="a limit above the machine's"),
        pytest.param({"memory.max": "4", "memory.current": "5"}, 0, id="more used than may be"),
    ],
)
def test_pages_of_files_are_free_memory(tmp_path: Path, cgroup: dict[str, str], available: int) -> None:
    written = {"proc/meminfo": MEMINFO} | {f"sys/fs/cgroup/{name}": text for name, text in cgroup.items()}
    for name, text in written.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)

    assert available == available_memory_bytes(tmp_path)


def test_where_the_kernel_tells_nothing_all_of_the_memory_counts(tmp_path: Path) -> None:
    assert available_memory_bytes(tmp_path) > GIB // 8
