"""take_zip: the regular files of a zip, stored or deflated; links are passed over, encrypted members refused."""

import stat
import struct
import zipfile
import zlib
from collections.abc import Generator
from pathlib import Path

from clockifyrag_builder.readers.archive_rules import MIB, Intake
from clockifyrag_index.errors import SourceError

_PIECE_BYTES = 64 * 1024
_DIRECTORY_BYTES_MAX = 64 * MIB
# All that zipfile and zlib were seen to raise on broken bytes; NotImplementedError: a compression it does not know.
_DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, ValueError, NotImplementedError, OverflowError, struct.error)
_ENCRYPTED_FLAG = 0x1


def take_zip(path: Path, *, intake: Intake) -> None:
    """Every wanted member of the zip is in `intake`; SourceError where it is damaged, encrypted or hostile."""
    if directory_bytes(path) > _DIRECTORY_BYTES_MAX:
        limit = f"{_DIRECTORY_BYTES_MAX:,}"
        raise SourceError(f"{intake.origin}: its directory is larger than {limit} bytes; split the archive")
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            # Members may overlap in the file: each looks honest then, only the sum does not.
            intake.check_ratio("(all together)", sum(member.file_size for member in members), path.stat().st_size)
            for member in members:
                _take(archive, member, intake)
    except _DAMAGED as damage:
        raise SourceError(
            f"{intake.origin}: the archive is damaged ({damage}); expected a whole .zip: fetch it again"
        ) from damage


def directory_bytes(path: Path) -> int:
    """Size of the zip's table of contents as its end says (APPNOTE 4.3.14 and 4.3.16); 0 where no end is found.

    zipfile reads the whole table into objects at once, so it is measured before it is opened.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        file.seek(max(0, size - 65_536 - 22 - 20 - 56))
        tail = file.read()
    end = tail.rfind(b"PK\x05\x06")
    if end < 0 or end + 22 > len(tail):
        return 0
    directory: int = struct.unpack_from("<L", tail, end + 12)[0]
    end64 = tail.rfind(b"PK\x06\x06", 0, end)
    if end64 >= 0 and end64 + 48 <= len(tail):
        directory64: int = struct.unpack_from("<Q", tail, end64 + 40)[0]
        # 0xFFFFFFFF only says "see the other record"; either number too large is reason enough to refuse.
        return directory64 if directory == 0xFFFFFFFF else max(directory, directory64)
    return directory


def _take(archive: zipfile.ZipFile, member: zipfile.ZipInfo, intake: Intake) -> None:
    raw = member.orig_filename
    intake.count(raw)
    if raw.endswith("/"):
        return
    if member.flag_bits & _ENCRYPTED_FLAG:
        raise intake.refusal(raw, "is encrypted")
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise intake.refusal(raw, f"is packed by method {member.compress_type}; stored (0) and deflated (8) are read")
    intake.check_file_bytes(raw, member.file_size)
    intake.check_ratio(raw, member.file_size, member.compress_size)
    name = intake.name_to_keep(raw, not_regular=_not_regular(member))
    if name is not None:
        intake.keep(name, _pieces(archive, member))


def _not_regular(member: zipfile.ZipInfo) -> str:
    """Why the member is no plain file, by the Unix mode a zip made on Unix carries; "" where it is one."""
    kind = stat.S_IFMT(member.external_attr >> 16)
    if kind == stat.S_IFLNK:
        return "a link is not followed"
    return "" if kind in (0, stat.S_IFREG) else "not a regular file"


def _pieces(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Generator[bytes, None, None]:
    with archive.open(member) as data:  # checks the CRC when it has read to the end
        while piece := data.read(_PIECE_BYTES):
            yield piece
