"""take_tar: the regular files of a tar stream, plain or gzipped; links, devices and sparse files are passed over.

Only headers are left to tarfile. The bytes of a member are read here, straight from where its header says they are,
and everything tarfile reads goes through CountedStream: a header that asks for gigabytes gets an error instead.
"""

import gzip
import io
import tarfile
import zlib
from collections.abc import Generator
from pathlib import Path

from clockifyrag_builder.readers.archive_rules import Intake
from clockifyrag_index.errors import SourceError

Stream = gzip.GzipFile | io.BufferedReader
_PIECE_BYTES = 64 * 1024
# RecursionError: tarfile calls itself for each of a chain of extension headers.
_DAMAGED = (tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile, ValueError, OverflowError, RecursionError)


def take_tar(path: Path, *, gzipped: bool, intake: Intake) -> None:
    """Every wanted member of the tar is in `intake`; SourceError where it is damaged, cut short or hostile."""
    packed_bytes = path.stat().st_size
    with path.open("rb") as raw:
        plain: Stream = gzip.GzipFile(fileobj=raw) if gzipped else raw
        stream = CountedStream(plain, packed_bytes, intake)
        try:
            _take_members(stream, intake)
        except _DAMAGED as damage:
            raise _damaged(intake.origin, str(damage)) from damage


class CountedStream(io.RawIOBase):
    """A readable, seekable view of the unpacked stream that stops a bomb while it goes off, not afterwards."""

    def __init__(self, plain: Stream, packed_bytes: int, intake: Intake) -> None:
        self._plain = plain
        self._packed_bytes = packed_bytes
        self._intake = intake
        self._header_bytes = 0
        self.member = "(the first)"

    def begin_header(self) -> None:
        """The next member's header may be read: its bytes count from 0."""
        self._header_bytes = 0

    def read(self, size: int = -1) -> bytes:
        """Header bytes, for tarfile: one member may ask for `header_bytes_max` of them, no more."""
        self._header_bytes += max(size, 0)
        if size < 0 or self._header_bytes > self._intake.limits.header_bytes_max:
            limit = f"{self._intake.limits.header_bytes_max:,}"
            raise self._intake.refusal(self.member, f"is followed by a header of more than {limit} bytes")
        return self.read_data(size)

    def read_data(self, size: int) -> bytes:
        """Bytes of a member, or of what follows the last one."""
        data = self._plain.read(size)
        self._count()
        return data

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Goes to `offset`, unpacking and counting what lies between."""
        while offset - self._plain.tell() > _PIECE_BYTES:  # in steps: skipped bytes count as well
            before = self._plain.tell()
            if self._plain.seek(before + _PIECE_BYTES) <= before:
                raise EOFError(f"it ends at byte {before:,}")
            self._count()
        return self._plain.seek(offset, whence)

    def tell(self) -> int:
        return self._plain.tell()

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def _count(self) -> None:
        unpacked_bytes = self._plain.tell()
        self._intake.check_total_bytes(self.member, unpacked_bytes)
        self._intake.check_ratio(self.member, unpacked_bytes, self._packed_bytes)


def _take_members(stream: CountedStream, intake: Intake) -> None:
    # "replace": a name in some old encoding is no reason to refuse the file.
    with tarfile.open(fileobj=stream, mode="r:", encoding="utf-8", errors="replace") as tar:
        while member := _next_member(tar, stream):
            stream.member = member.name
            intake.count(member.name)
            if member.isdir():
                continue
            intake.check_file_bytes(member.name, member.size)
            name = intake.name_to_keep(member.name, not_regular=_not_regular(member))
            if name is not None:
                intake.keep(name, _pieces(stream, member, intake))
            # tarfile remembers every member it has read, for lookups by name that never come here.
            tar.members.clear()  # type: ignore[attr-defined]
        _check_end(tar.offset, stream, intake)


def _next_member(tar: tarfile.TarFile, stream: CountedStream) -> tarfile.TarInfo | None:
    stream.begin_header()
    before = tar.offset
    member = tar.next()
    # The first member is read when the tar is opened. A negative size would send tarfile back for ever.
    if member is not None and (member.size < 0 or tar.offset <= min(before, member.offset)):
        raise tarfile.ReadError(f"member {member.name!r} has an impossible size")
    return member


def _not_regular(member: tarfile.TarInfo) -> str:
    if member.issym() or member.islnk():
        return "a link is not followed"
    if not member.isreg():
        return "not a regular file"
    if member.issparse():
        return "a sparse file is not read"
    return ""


def _pieces(stream: CountedStream, member: tarfile.TarInfo, intake: Intake) -> Generator[bytes, None, None]:
    stream.seek(member.offset_data)
    left = member.size
    while left:
        piece = stream.read_data(min(left, _PIECE_BYTES))
        if not piece:
            raise _damaged(intake.origin, f"member {member.name!r} ends {left:,} bytes early")
        left -= len(piece)
        yield piece


def _check_end(offset: int, stream: CountedStream, intake: Intake) -> None:
    """What follows the last member is a tar's own end, and the gzip checksum is read.

    tarfile takes a damaged header in the middle for the end of the archive: files would be lost in silence.
    """
    stream.seek(offset)
    end = stream.read_data(tarfile.BLOCKSIZE)
    if end.strip(b"\0"):
        raise _damaged(intake.origin, f"the header after member {stream.member!r} cannot be read")
    while stream.read_data(_PIECE_BYTES):
        pass


def _damaged(origin: str, problem: str) -> SourceError:
    return SourceError(
        f"{origin}: the archive is damaged ({problem}); expected a whole .tar or .tar.gz: fetch it again"
    )
