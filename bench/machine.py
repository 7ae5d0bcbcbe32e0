"""Machine: where a figure was measured, with what, and whether anything else was running."""

import os
import platform
import re
import subprocess
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from bench.errors import MachineBusy

ROOT = Path(__file__).resolve().parent.parent
LOAD_MAX = 1.0
PACKAGES = (
    "numpy", "faiss-cpu", "fastapi", "starlette", "uvicorn", "uvloop", "httptools", "rank-bm25", "bm25s", "numba",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Cores:
    """The core that is measured, and the core that makes the load; the same one where there is no second."""

    server: int
    load: int

    @property
    def all(self) -> tuple[int, ...]:
        return tuple({self.server, self.load})


def two_cores() -> Cores:
    usable = sorted(os.sched_getaffinity(0))
    return Cores(usable[0], usable[min(1, len(usable) - 1)])


def load_average() -> float:
    """Runnable processes over the last minute."""
    return os.getloadavg()[0]


def require_quiet(load: float) -> None:
    """MachineBusy above LOAD_MAX."""
    if load > LOAD_MAX:
        raise MachineBusy(
            f"the load average is {load:.2f}, expected at most {LOAD_MAX:g}: other work would be measured as well. "
            "Wait, stop it, or measure all the same with --busy, which marks the figures"
        )


def description() -> dict[str, Any]:
    """Processor, cores, memory and kernel; of two equal machines a kernel may keep some hundredths more to itself."""
    return {
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)),
        "memoryGiB": round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30),
        "kernel": platform.release(),
    }


def versions() -> dict[str, str]:
    return {"python": platform.python_version(), **{package: version(package) for package in PACKAGES}}


def commit() -> str:
    """The checkout's commit; `+` behind it where files differ from it."""
    return _git("rev-parse", "--short=12", "HEAD") + (
        "+" if _git("status", "--porcelain", "--untracked-files=no") else ""
    )


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else "unknown"


def _processor() -> str:
    found = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return found[1] if found else platform.machine()
