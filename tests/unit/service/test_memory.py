"""Memory that was freed is given back, in a fresh process as the C library can be told once only."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from clockifyrag_service.memory import give_memory_back

ROOT = Path(__file__).parents[3]
MAPPED = 24 << 20  # freed once, after which glibc by itself takes smaller blocks from the heap, and keeps them there
BLOCK = 20 << 20


def kept_mib(told: bool) -> float:
    """MiB of its own that a process holds more than before, after a large block was taken and freed."""
    script = f"from {__name__} import main; main({told})"
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("MALLOC_", "GLIBC_"))}
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    return float(done.stdout)


def main(told: bool) -> None:
    if told and not give_memory_back():
        sys.exit("the C library took no advice")
    take(MAPPED)
    before = own_kib()
    take(BLOCK)
    print((own_kib() - before) / 1024)


def take(size: int) -> None:
    """Takes a block, writes to all of it, and frees it."""
    block = b"\1" * size
    del block


def own_kib() -> int:
    found = re.search(r"^RssAnon:\s+(\d+) kB", Path("/proc/self/status").read_text(), re.MULTILINE)
    assert found is not None
    return int(found[1])


def test_what_a_large_block_took_goes_back() -> None:
    assert kept_mib(told=True) < 4 < 16 < kept_mib(told=False)


@pytest.mark.parametrize("name", ["MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_", "GLIBC_TUNABLES"])
def test_what_was_told_before_holds(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "131072")

    assert not give_memory_back()
