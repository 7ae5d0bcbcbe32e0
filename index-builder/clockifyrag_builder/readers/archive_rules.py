"""Intake: what a member of an archive must satisfy before one byte of it is kept, whatever the archive's format."""

import re
import tempfile
from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from clockifyrag_index.disk import storage_errors
from clockifyrag_index.errors import SourceError

MIB = 1024 * 1024
Skipped = Callable[[str, str], None]  # (member, why it is not read)

_NESTED = re.compile(r"\.(tar|tgz|gz|zip|bz2|xz|zst|7z|rar)$", re.IGNORECASE)
_DRIVE = re.compile(r"^[A-Za-z]:")
_NAME_CHARACTERS_MAX = 1024


@dataclass(frozen=True, slots=True)
class ArchiveLimits:
    """How much an archive may hold: far above any help center, far below what fills a volume."""

    members_max: int = 100_000
    file_bytes_max: int = 256 * MIB
    total_bytes_max: int = 4096 * MIB
    # Text shrinks 3 to 30 times; deflate itself ends at 1,032, so a bomb is far from honest text.
    ratio_max: int = 200
    ratio_counts_from_bytes: int = 10 * MIB
    header_bytes_max: int = MIB


class Intake:
    """Keeps the wanted regular files of one archive in a spool file, and refuses what no honest archive holds.

    SourceError from any method names the archive, the member and the limit; nothing is ever written under a
    member's own name, so a hostile name can lead nowhere.
    """

    def __init__(
        self, origin: str, limits: ArchiveLimits, wanted: Callable[[str], bool], skipped: Skipped, spool: IO[bytes]
    ) -> None:
        self.origin = origin
        self.limits = limits
        self._wanted = wanted
        self._skipped = skipped
        self._spool = spool
        self._places: dict[str, tuple[int, int]] = {}  # name → (offset, size) in the spool
        self._members = 0
        self._total_bytes = 0
        self._tops: set[str] = set()  # first folders of all visible members; "" for one that lies in none

    def count(self, raw: str) -> None:
        """One more member, folders and links included."""
        self._members += 1
        if self._members > self.limits.members_max:
            raise self.refusal(raw, f"is member number {self._members:,}; at most {self.limits.members_max:,} are read")

    def name_to_keep(self, raw: str, not_regular: str = "") -> str | None:
        """The member's name with "/" and without "./", or None where it is passed over (and said so)."""
        name = self._clean(raw)
        if _is_hidden(name):
            return None  # without a word, as in a folder
        folder, slash, _ = name.partition("/")
        self._tops.add(folder if slash else "")
        if name in self._places:
            raise self.refusal(raw, "stands in the archive twice, and which one is meant cannot be known")
        if not_regular:
            self._skipped(name, not_regular)
        elif _NESTED.search(name):
            self._skipped(name, "an archive inside an archive is not opened")
        elif not self._wanted(name):
            self._skipped(name, "not a file this builder reads")
        else:
            return name
        return None

    def keep(self, name: str, pieces: Generator[bytes, None, None]) -> None:
        """The pieces stand in the spool under `name`; counted as they come, whatever the archive said of their size."""
        offset = self._spool.tell()
        size = 0
        with closing(pieces):  # a member refused halfway does not keep its archive open
            for piece in pieces:
                size += len(piece)
                self._total_bytes += len(piece)
                self.check_file_bytes(name, size)
                self.check_total_bytes(name, self._total_bytes)
                with storage_errors(Path(tempfile.gettempdir())):
                    self._spool.write(piece)
        self._places[name] = (offset, size)

    def check_file_bytes(self, name: str, size_bytes: int) -> None:
        """SourceError for a member above the limit of one file."""
        if size_bytes > self.limits.file_bytes_max:
            raise self.refusal(name, f"is larger than {self.limits.file_bytes_max:,} bytes, the limit of one file")

    def check_total_bytes(self, name: str, total_bytes: int) -> None:
        """SourceError for the member that takes the archive above its limit."""
        if total_bytes > self.limits.total_bytes_max:
            limit = f"{self.limits.total_bytes_max:,} bytes, the limit of one archive"
            raise self.refusal(name, f"takes the unpacked total above {limit}")

    def check_ratio(self, name: str, unpacked_bytes: int, packed_bytes: int) -> None:
        """SourceError for what grows more than honest text does; small members may."""
        if unpacked_bytes <= self.limits.ratio_counts_from_bytes:
            return
        if unpacked_bytes > self.limits.ratio_max * max(1, packed_bytes):
            found = f"unpacks {packed_bytes:,} bytes to more than {unpacked_bytes:,}"
            raise self.refusal(name, f"{found}; more than {self.limits.ratio_max} times is taken for a bomb")

    def refusal(self, name: str, problem: str) -> SourceError:
        """The error for a member: what is wrong with it, and what to do."""
        return SourceError(
            f"{self.origin}: member {shown_name(name)} {problem}; "
            "make the archive anew from plain files below one folder"
        )

    def names(self) -> list[str]:
        """Names of all members kept, sorted."""
        return sorted(self._places)

    def top_folder(self) -> str:
        """`help-2.1/` where everything in the archive lies below that one folder, else ""."""
        return f"{next(iter(self._tops))}/" if len(self._tops) == 1 and "" not in self._tops else ""

    def data(self, name: str) -> bytes:
        """The bytes of a member kept."""
        offset, size = self._places[name]
        self._spool.seek(offset)
        return self._spool.read(size)

    def _clean(self, raw: str) -> str:
        if not raw or len(raw) > _NAME_CHARACTERS_MAX:
            raise self.refusal(raw, f"has a name of {len(raw)} characters; 1 to {_NAME_CHARACTERS_MAX} are accepted")
        if any(ord(character) < 32 or ord(character) == 127 for character in raw):
            raise self.refusal(raw, "has control characters in its name")
        if "\\" in raw or _DRIVE.match(raw):
            raise self.refusal(raw, "has a backslash or a drive letter in its name")
        if raw.startswith("/") or ".." in raw.split("/"):
            raise self.refusal(raw, 'points outside the archive (an absolute name, or ".." in it)')
        name = "/".join(part for part in raw.split("/") if part not in ("", "."))
        if not name:
            raise self.refusal(raw, "has no name of its own")
        return name


def _is_hidden(name: str) -> bool:
    return any(part.startswith(".") or part == "__MACOSX" for part in name.split("/"))


def shown_name(name: str) -> str:
    """The name as it may stand in a message: quoted, control characters escaped, not longer than a line."""
    return repr(name if len(name) <= 120 else f"{name[:117]}...")
