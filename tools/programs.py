"""Makes sure that programs which tests run are on PATH: installs them by apt where it is root, else says how.

python3 tools/programs.py chromium nginx
"""

import os
import shutil
import subprocess
import sys

PACKAGES = {"chromedriver": "chromium-driver", "nginx": "nginx-light", "systemd-analyze": "systemd"}


def main(programs: list[str]) -> None:
    """Ends with one command to type when a program is missing and cannot be installed here."""
    missing = [program for program in programs if not shutil.which(program)]
    if not missing:
        return
    packages = [PACKAGES.get(name, name) for name in missing]
    install = ["apt-get", "install", "--yes", "--no-install-recommends", *packages]
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        sys.exit(f"Not on PATH: {', '.join(missing)}. Type: sudo {' '.join(install)}\n(or run: make test-fast)")
    print(f"Installing {', '.join(missing)} by apt", flush=True)
    quiet = {"env": {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}, "stdout": subprocess.DEVNULL}
    subprocess.run(["apt-get", "update"], check=True, **quiet)
    subprocess.run(install, check=True, **quiet)


if __name__ == "__main__":
    main(sys.argv[1:])
