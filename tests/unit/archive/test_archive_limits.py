"""Archives that ask for more than an honest one does: an error that names the member and the limit."""

import io
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from archives import FORMATS, Members, tar_bytes, tar_member, zip_bytes

from clockifyrag_builder.readers.archive import archive_files
from clockifyrag_builder.readers.archive_rules import ArchiveLimits
from clockifyrag_index.errors import SourceError

SMALL = ArchiveLimits(
    members_max=5, file_bytes_max=2_000, total_bytes_max=60_000, ratio_max=20, ratio_counts_from_bytes=20_000
)


@pytest.mark.parametrize(("file_name", "pack"), FORMATS)
@pytest.mark.parametrize(
    ("members", "told"),
    [
        pytest.param([(f"{n}.md", b"") for n in range(6)], "at most 5", id="members"),
        pytest.param([("big.md", b"x" * 2_001)], "'big.md' is larger than 2,000 bytes", id="one file"),
        pytest.param([("a.md", b"A"), ("./a.md", b"B")], "twice", id="duplicate"),
    ],
)
def test_an_archive_beyond_a_limit_is_refused_with_the_member_and_the_limit(
    file_name: str, pack: Callable[[Members], bytes], members: Members, told: str, tmp_path: Path
) -> None:
    path = tmp_path / file_name
    path.write_bytes(pack(members))

    with pytest.raises(SourceError) as refused:
        next(archive_files(path, limits=SMALL))

    assert told in str(refused.value)


@pytest.mark.parametrize(
    ("file_name", "data", "limits", "told"),
    [
        pytest.param(
            "bomb.tar.gz",
            tar_bytes([("zeros.md", b"\0" * 2_000_000)]),
            ArchiveLimits(ratio_counts_from_bytes=20_000),
            "taken for a bomb",
            id="gzip ratio",
        ),
        pytest.param(
            "bomb.zip",
            zip_bytes([("zeros.md", b"\0" * 2_000_000)]),
            ArchiveLimits(ratio_counts_from_bytes=20_000),
            "taken for a bomb",
            id="zip ratio",
        ),
        pytest.param(
            "total.tar.gz",
            tar_bytes([(f"{n}.md", bytes(range(256)) * 100) for n in range(5)]),
            ArchiveLimits(total_bytes_max=100_000),
            "100,000 bytes, the limit of one archive",
            id="tar total",
        ),
        pytest.param(
            "total.zip",
            zip_bytes([(f"{n}.md", bytes(range(256)) * 100) for n in range(5)]),
            ArchiveLimits(total_bytes_max=100_000),
            "100,000 bytes, the limit of one archive",
            id="zip total",
        ),
        pytest.param(
            "skipped.tar.gz",
            tar_bytes([("zeros.bin", b"\0" * 2_000_000)]),
            ArchiveLimits(ratio_counts_from_bytes=20_000),
            "taken for a bomb",
            id="bomb in a file that is passed over",
        ),
        pytest.param(
            "end.tar.gz",
            tar_bytes([("a.md", b"A")], "w:gz"),
            ArchiveLimits(total_bytes_max=4_000),
            "the limit of one archive",
            id="bytes after the last member count",
        ),
    ],
)
def test_a_bomb_is_refused_while_it_unpacks(
    file_name: str, data: bytes, limits: ArchiveLimits, told: str, tmp_path: Path
) -> None:
    path = tmp_path / file_name
    path.write_bytes(data)

    with pytest.raises(SourceError) as refused:
        list(archive_files(path, wanted=lambda name: name.endswith(".md"), limits=limits))

    assert told in str(refused.value)


def test_a_tar_header_that_asks_for_megabytes_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.tar"
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as tar:
        info = tarfile.TarInfo("a.md")
        info.pax_headers = {"comment": "x" * 3_000_000}
        tar.addfile(info)
    path.write_bytes(buffer.getvalue())

    with pytest.raises(SourceError, match="header of more than 1,048,576 bytes"):
        list(archive_files(path))


def test_a_chain_of_a_thousand_extension_headers_is_an_error_not_a_crash(tmp_path: Path) -> None:
    path = tmp_path / "a.tar"
    path.write_bytes(b"".join(tar_member("././@PaxHeader", tarfile.XHDTYPE).tobuf() for _ in range(3_000)))

    with pytest.raises(SourceError):
        list(archive_files(path))


def test_a_member_of_negative_size_is_an_error_not_an_endless_loop(tmp_path: Path) -> None:
    path = tmp_path / "a.tar"
    header = bytearray(tar_member("a.md", tarfile.REGTYPE).tobuf(tarfile.GNU_FORMAT))
    header[124:136] = b"\xff" * 11 + b"\x00"  # -256 in base 256
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header[:512])
    path.write_bytes(bytes(header) + bytes(10_240))

    with pytest.raises(SourceError, match="damaged"):
        list(archive_files(path))


def test_an_encrypted_zip_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    data = bytearray(zip_bytes([("a.md", b"A")]))
    data[6] |= 1  # the flags of the local header and of the directory
    data[data.rindex(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(data)

    with pytest.raises(SourceError, match="is encrypted"):
        list(archive_files(path))


def test_a_zip_packed_by_an_unusual_method_is_refused_with_what_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    path.write_bytes(zip_bytes([("a.md", b"A")], zipfile.ZIP_LZMA))

    with pytest.raises(SourceError, match=r"method 14; stored \(0\) and deflated \(8\) are read"):
        list(archive_files(path))


def test_a_zip_with_an_enormous_directory_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    data = bytearray(zip_bytes([("a.md", b"A")]))
    at = data.rindex(b"PK\x05\x06") + 12
    data[at : at + 4] = (100 * 1024 * 1024).to_bytes(4, "little")
    path.write_bytes(data)

    with pytest.raises(SourceError, match="its directory is larger than"):
        list(archive_files(path))
