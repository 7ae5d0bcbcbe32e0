"""The two bases, from the Debian mirror that apt uses here: one with pip to build on, one with Python alone to run on.

mmdebstrap makes the same bytes of the same packages: it takes dates from SOURCE_DATE_EPOCH, and leaves out logs, caches
and the machine's id. The packages are those of the day; a base is kept until its file is removed.
"""

import hashlib
import os
import platform
import shlex
import subprocess
import sys
import tarfile
from pathlib import Path

EPOCH = 1580601600  # 2020-02-02, as in the wheels that hatchling makes
SUITE = "bookworm"
CERTIFICATES = "etc/ssl/certs/ca-certificates.crt"
# usr-is-merged stands for usrmerge, which would bring Perl: /usr is merged by the hook, before the first package.
PACKAGES = {
    "build": "usr-is-merged,python3,python3-venv,python3-pip,ca-certificates",
    "run": "usr-is-merged,python3,libstdc++6,tzdata",  # the library of C++ is asked for by numpy and faiss
}
MERGED = "/usr/share/mmdebstrap/hooks/merged-usr"
# Licences stay: they are asked for by what they allow.
EXCLUDED = ("/usr/share/man/*", "/usr/share/locale/*", "/usr/share/info/*", "/usr/share/doc/*")
# Dates are all the same in an image, so Python's bytecode must not be judged by them.
COMPILE = 'PYTHONHASHSEED=0 chroot "$1" python3 -m compileall -q -f --invalidation-mode unchecked-hash /usr/lib/python3'
# OpenSSL's default places, which the package `openssl` would make, with Perl behind it.
TRUST = (
    'mkdir -p "$1/etc/ssl/certs" "$1/usr/lib/ssl"',
    'ln -s /etc/ssl/certs "$1/usr/lib/ssl/certs"',
    f'ln -s /{CERTIFICATES} "$1/usr/lib/ssl/cert.pem"',
)


def digest() -> str:
    """Of all that decides what the bases are, the day aside."""
    told = f"{EPOCH} {SUITE} {PACKAGES} {MERGED} {EXCLUDED} {COMPILE} {TRUST} {platform.machine()}"
    return hashlib.sha256(told.encode()).hexdigest()


def make_base(kind: str, target: Path, trusted: Path | None = None) -> None:
    """Writes the file system of the base as a tar; `trusted` is the bundle of certificates of the one to run on."""
    hooks = [f'for lib in "$1"/usr/lib/python3.*; do {COMPILE}${{lib##*/python3}}; done']
    if trusted:
        hooks += [*TRUST, f'install -m 0644 {shlex.quote(str(trusted))} "$1/{CERTIFICATES}"']
    unfinished = target.with_suffix(".unfinished.tar")
    command = ["nice", "mmdebstrap", "--quiet", "--mode=root", "--variant=essential", f"--include={PACKAGES[kind]}",
               f"--hook-dir={MERGED}",
               *(f"--dpkgopt=path-exclude={path}" for path in EXCLUDED),
               "--dpkgopt=path-include=/usr/share/doc/*/copyright",
               *(f"--customize-hook={hook}" for hook in hooks), SUITE, str(unfinished), "-"]  # fmt: skip
    made = subprocess.run(
        command, env=os.environ | {"SOURCE_DATE_EPOCH": str(EPOCH)}, input=sources(), capture_output=True, text=True
    )
    if made.returncode:
        sys.exit(
            f"{made.stderr[-3000:]}\nThe base could not be made: is the Debian mirror reachable, and is this root?"
        )
    unfinished.replace(target)


def sources() -> str:
    """The lines of sources.list that name Debian's own archives of the suite, as apt has them here; else Debian's."""
    asked = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(REPO_URI) $(RELEASE) $(COMPONENT)", "Created-By: Packages",
         "Origin: Debian"],
        capture_output=True, text=True,
    )  # fmt: skip
    lines = {f"deb {line}" for line in asked.stdout.splitlines() if line.split()[1].split("-")[0] == SUITE}
    default = {
        f"deb http://deb.debian.org/debian {SUITE} main",
        f"deb http://deb.debian.org/debian {SUITE}-updates main",
        f"deb http://deb.debian.org/debian-security {SUITE}-security main",
    }
    return "\n".join(sorted(lines or default)) + "\n"


def certificates(base: Path) -> bytes:
    """The bundle of certificates in the base to build on."""
    with tarfile.open(base) as tar:
        for name in (CERTIFICATES, f"./{CERTIFICATES}"):
            if name in tar.getnames():
                found = tar.extractfile(name)
                assert found is not None
                return found.read()
    raise FileNotFoundError(f"{base} holds no {CERTIFICATES}: expected the package ca-certificates in it")
