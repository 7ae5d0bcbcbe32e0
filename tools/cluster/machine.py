"""What a node would leave behind on this machine, and how it is kept from it.

The node's daemons live in a mount namespace of their own: what they mount is not seen outside, and gone with them. The
folders of the system that they insist on are covered there by folders of the node. Settings of the kernel that no
namespace holds are written down and put back.
"""

from __future__ import annotations

import shlex
import shutil
from pathlib import Path

from tools.cluster.network import run
from tools.cluster.node import Node
from tools.cluster.record import Record

COVERED = ("/run/containerd", "/var/lib/cni", "/var/lib/kubelet", "/var/log/containers", "/opt/cni")
HOLDER_PROGRAM = "catatonit"
KERNEL = (  # set by kubelet when it starts
    "vm/overcommit_memory", "vm/panic_on_oom", "kernel/panic", "kernel/panic_on_oops", "kernel/keys/root_maxkeys",
    "kernel/keys/root_maxbytes",
)  # fmt: skip
MOUNT_POINT, MOUNT_ESCAPES = 4, {"\\040": " ", "\\011": "\t", "\\012": "\n", "\\134": "\\"}  # proc(5), mountinfo


def write_down(record: Record) -> None:
    """Notes, before anything is changed, what will be put back."""
    settings = {name: Path("/proc/sys", name) for name in KERNEL}
    record.kernel = record.kernel or {name: file.read_text() for name, file in settings.items() if file.exists()}
    record.made = record.made or missing_folders()
    record.write()


def missing_folders() -> list[str]:
    """The folders to be made, the outer before the inner."""
    wanted = {str(folder) for path in COVERED for folder in (Path(path), *Path(path).parents)}
    return sorted(folder for folder in wanted if not Path(folder).exists())


def holder_command(node: Node) -> list[str]:
    """Waits for ever in a network and a mount namespace of its own; among pods mounts are shared, as kubelet demands.

    What this machine mounts later is seen in it, too, but not the other way round.
    """
    for path in COVERED:
        Path(path).mkdir(parents=True, exist_ok=True)
        cover(node, path).mkdir(parents=True, exist_ok=True)
    covers = [f"mount --bind {shlex.quote(str(cover(node, path)))} {path}" for path in COVERED]
    script = " && ".join([*covers, "mount --make-rshared /", f"exec {HOLDER_PROGRAM} -P"])
    return ["unshare", "--net", "--mount", "--propagation", "slave", "sh", "-c", script]


def unprepared(pid: int) -> str:
    """What the holder still does before it waits; empty once its mounts are made."""
    name = Path(f"/proc/{pid}/comm").read_text().strip()
    return "" if name == HOLDER_PROGRAM else f"process {pid} is still {name}"


def cover(node: Node, path: str) -> Path:
    return node.folder / "covers" / path.strip("/").replace("/", "-")


def put_back(record: Record) -> None:
    """Undoes what was written down."""
    for name, value in record.kernel.items():
        file = Path("/proc/sys", name)
        if file.read_text() != value:
            file.write_text(value)
    for folder in reversed(record.made):
        if Path(folder).is_dir() and not any(Path(folder).iterdir()):
            Path(folder).rmdir()


def remove_folder(folder: Path) -> None:
    """Removes it; what somebody mounted in it from outside is unmounted first, and not emptied."""
    for mounted in reversed(mounts_below(folder, Path("/proc/self/mountinfo").read_text())):
        run(["umount", mounted])
    shutil.rmtree(folder)


def mounts_below(folder: Path, mountinfo: str) -> list[str]:
    """Where something is mounted in the folder, in the order it was mounted."""
    found = []
    for line in mountinfo.splitlines():
        point = line.split()[MOUNT_POINT]
        for escape, character in MOUNT_ESCAPES.items():
            point = point.replace(escape, character)
        if Path(point).is_relative_to(folder):
            found.append(point)
    return found
