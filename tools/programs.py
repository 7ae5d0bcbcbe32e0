"""Makes sure that programs which tests run are there: installs them by apt where it is root, else says how.

A name is looked for on PATH; a path, of a header for example, is looked at.

python3 tools/programs.py chromium nginx
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

CNI_PLUGINS = tuple(f"/usr/lib/cni/{plugin}" for plugin in ("bridge", "host-local", "loopback", "portmap"))
PACKAGES = {
    "/usr/include/nlohmann/json.hpp": "nlohmann-json3-dev",
    "/usr/include/stb/stb_image.h": "libstb-dev",
    "busybox": "busybox-static",
    "chromedriver": "chromium-driver",
    "containerd-shim-runc-v2": "containerd",
    "ctr": "containerd",
    "ip": "iproute2",
    "mount": "mount",
    "nginx": "nginx-light",
    "nsenter": "util-linux",
    "systemd-analyze": "systemd",
    "unshare": "util-linux",
    **{
        f"/usr/lib/cni/{plugin}": "containernetworking-plugins"
        for plugin in ("bridge", "host-local", "loopback", "portmap")
    },
}


def main(programs: list[str], otherwise: str = "run: make test-fast") -> None:
    """Ends with one command to type when a program is missing and cannot be installed here."""
    missing = [program for program in programs if not shutil.which(program) and not is_file(program)]
    if not missing:
        return
    packages = sorted({PACKAGES.get(name, name) for name in missing})
    install = ["apt-get", "install", "--yes", "--no-install-recommends", *packages]
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        sys.exit(f"Not on PATH: {', '.join(missing)}. Type: sudo {' '.join(install)}\n(or {otherwise})")
    print(f"Installing {', '.join(missing)} by apt", flush=True)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (["apt-get", "update"], install):
        subprocess.run(command, check=True, env=environment, stdout=subprocess.DEVNULL)


def is_file(path: str) -> bool:
    return Path(path).is_absolute() and Path(path).is_file()


if __name__ == "__main__":
    main(sys.argv[1:])
