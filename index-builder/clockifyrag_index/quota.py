"""How many CPUs this process may use.

A pod sees every core of its node, but may use only its quota: a thread more than that is throttled, not faster.
Sources: kernel docs, cgroup-v2 `cpu.max` ("$MAX $PERIOD"), cgroup-v1 `cpu.cfs_quota_us` / `cpu.cfs_period_us`.
This module imports neither numpy nor faiss: who limits their threads must do so before they are imported.
"""

import math
import os
from pathlib import Path

CGROUP = Path("/sys/fs/cgroup")


def cpu_quota(cgroup: Path = CGROUP) -> int:
    """CPUs this process may use, at least 1: the smaller of its affinity and its cgroup's quota, rounded up."""
    allowed = len(os.sched_getaffinity(0))
    quota = quota_of_v2(cgroup / "cpu.max") or quota_of_v1(cgroup / "cpu")
    return max(1, min(allowed, math.ceil(quota))) if quota else allowed


def quota_of_v2(file: Path) -> float | None:
    """CPUs by `cpu.max`, or None for `max` or where there is no such file."""
    words = content(file).split()
    if len(words) != 2 or words[0] == "max":
        return None
    return int(words[0]) / int(words[1])


def quota_of_v1(folder: Path) -> float | None:
    """CPUs by the CFS quota of cgroup v1, or None for -1 or where there is no such file."""
    quota, period = content(folder / "cpu.cfs_quota_us").strip(), content(folder / "cpu.cfs_period_us").strip()
    if not quota or not period or int(quota) <= 0:
        return None
    return int(quota) / int(period)


def content(file: Path) -> str:
    """The file's text, or "" where the kernel offers no such file."""
    try:
        return file.read_text()
    except OSError:
        return ""
