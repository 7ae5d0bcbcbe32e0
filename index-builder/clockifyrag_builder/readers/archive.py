"""archive_files: the regular files of a .tar, .tar.gz, .tgz or .zip, in order of name.

    archive ─ one pass, every member checked ─► spool (one unnamed file) ─ in order of name ─► (name, bytes)

All checks have passed before the first file is handed out, one file at a time is in memory, and nothing is ever
written under a name that came out of the archive.
"""

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from clockifyrag_builder.readers.archive_rules import ArchiveLimits, Intake, Skipped
from clockifyrag_builder.readers.tar_members import take_tar
from clockifyrag_builder.readers.zip_members import take_zip
from clockifyrag_index.errors import SourceError

ARCHIVE_SUFFIXES = (".tar.gz", ".tgz", ".tar", ".zip")
_TAR_MAGIC_AT = 257  # "ustar", POSIX.1-1988 and later


def is_archive_name(name: str) -> bool:
    """Whether the name ends as that of an archive does."""
    return name.lower().endswith(ARCHIVE_SUFFIXES)


def archive_files(
    path: Path,
    *,
    origin: str = "",
    wanted: Callable[[str], bool] = lambda name: True,
    skipped: Skipped = lambda name, reason: None,
    limits: ArchiveLimits | None = None,
) -> Iterator[tuple[str, bytes]]:
    """(name, bytes) of each regular file that `wanted` accepts, sorted by name; hidden files are left out.

    Where all files lie below one folder, names are relative to it: documents get the ids they would have if that
    folder were read instead.

    Links, devices, nested archives and unwanted files are passed over and told to `skipped`. SourceError, before
    anything is yielded, names the member that points outside, stands twice or passes a limit, or the damage found.
    """
    origin = origin or path.name
    # Unnamed and in TMPDIR: the system removes it however this process ends.
    with tempfile.TemporaryFile() as spool:
        intake = Intake(origin, limits or ArchiveLimits(), wanted, skipped, spool)
        try:
            _take(path, intake)
        except OSError as problem:
            raise SourceError(f"{origin}: cannot be read ({problem}); expected a readable archive") from problem
        top = intake.top_folder()
        for name in intake.names():
            yield name.removeprefix(top), intake.data(name)


def _take(path: Path, intake: Intake) -> None:
    """By content, not by suffix: servers and people rename archives."""
    with path.open("rb") as file:
        head = file.read(_TAR_MAGIC_AT + 5)
    if head.startswith(b"\x1f\x8b"):
        take_tar(path, gzipped=True, intake=intake)
    elif head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        take_zip(path, intake=intake)
    elif head[_TAR_MAGIC_AT:] == b"ustar":
        take_tar(path, gzipped=False, intake=intake)
    else:
        found = f"the first bytes are {head[:8].hex(' ') or 'missing'}"
        raise SourceError(f"{intake.origin}: is no archive ({found}); expected one of {', '.join(ARCHIVE_SUFFIXES)}")
