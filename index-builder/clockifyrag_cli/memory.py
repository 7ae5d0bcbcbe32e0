"""Memory that a process may still take. What the kernel keeps of files and gives back when asked counts as free."""

import os
import re
from pathlib import Path
from typing import NamedTuple


class _Limited(NamedTuple):
    """The files of a cgroup that tell of its memory, and what its pages of files not used lately are called there."""

    limit: str
    used: str
    reclaimable: str


# As a container sees its own cgroup, version 2 and 1.
_CGROUPS = {
    "sys/fs/cgroup": _Limited("memory.max", "memory.current", "inactive_file"),
    "sys/fs/cgroup/memory": _Limited("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
}


def available_memory_bytes(root: Path = Path("/")) -> int:
    """The rest of the cgroup where there is a limit, else what the machine has left.

    Used is what the kubelet calls the working set: less than that no pressure can make it.
    """
    machine = _machine_bytes(root / "proc/meminfo")
    for folder, names in _CGROUPS.items():
        try:
            limit, used = (int((root / folder / name).read_text()) for name in (names.limit, names.used))
        except (OSError, ValueError):  # no such cgroup version, or "max": no limit
            continue
        used -= _figure(root / folder / "memory.stat", names.reclaimable) or 0
        return min(machine, max(limit - used, 0))
    return machine


def _machine_bytes(meminfo: Path) -> int:
    """What the kernel estimates that programs can take without swapping; all there is where it tells nothing."""
    kibibytes = _figure(meminfo, "MemAvailable:")
    if kibibytes is None:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return 1024 * kibibytes


def _figure(file: Path, name: str) -> int | None:
    """The number behind a name at the beginning of a line; None where there is none."""
    try:
        found = re.search(rf"^{name}\s+(\d+)", file.read_text(), re.MULTILINE)
    except OSError:
        return None
    return int(found[1]) if found else None
