"""Archives: honest ones give their files, hostile ones an error that names the member, and never a file elsewhere."""

import io
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clockifyrag_builder.readers.archive import archive_files
from clockifyrag_builder.readers.archive_rules import ArchiveLimits
from clockifyrag_index.errors import SourceError

Members = list[tuple[str, bytes]]


def tar_bytes(members: Members, mode: str = "w:gz", extra: list[tarfile.TarInfo] | None = None) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as tar:  # type: ignore[call-overload]
        for member in extra or []:
            tar.addfile(member)
        for name, data in members:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def zip_bytes(members: Members, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, data in members:
            info = zipfile.ZipInfo("placeholder")
            info.filename = name  # the constructor would tidy a hostile name
            info.compress_type = method
            archive.writestr(info, data)
    return buffer.getvalue()


def tar_member(name: str, kind: bytes, **fields: object) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type = kind
    for field, value in fields.items():
        setattr(info, field, value)
    return info


FORMATS = [
    pytest.param("a.tar.gz", lambda members: tar_bytes(members, "w:gz"), id="tar.gz"),
    pytest.param("a.tar", lambda members: tar_bytes(members, "w"), id="tar"),
    pytest.param("a.zip", zip_bytes, id="zip deflated"),
    pytest.param("a.zip", lambda members: zip_bytes(members, zipfile.ZIP_STORED), id="zip stored"),
]


@pytest.mark.parametrize(("file_name", "pack"), FORMATS)
def test_files_come_in_order_of_name_whatever_their_order_in_the_archive(
    file_name: str, pack: Callable[[Members], bytes], tmp_path: Path
) -> None:
    path = tmp_path / file_name
    path.write_bytes(pack([("b.md", b"B"), ("a/ü.md", b"\x00\xff"), ("./a/a.md", b""), ("c.md", b"C" * 200_000)]))

    files = list(archive_files(path))

    assert [("a/a.md", b""), ("a/ü.md", b"\x00\xff"), ("b.md", b"B"), ("c.md", b"C" * 200_000)] == files


@pytest.mark.parametrize(("file_name", "pack"), FORMATS)
def test_what_lies_below_one_folder_is_named_relative_to_it(
    file_name: str, pack: Callable[[Members], bytes], tmp_path: Path
) -> None:
    path = tmp_path / file_name
    path.write_bytes(pack([("help-2.1/a.md", b"A"), ("help-2.1/track/b.md", b"B"), ("help-2.1/.git/x", b"hidden")]))

    names = [name for name, _ in archive_files(path)]

    assert ["a.md", "track/b.md"] == names


def test_the_kind_of_archive_is_told_by_its_bytes_not_by_its_name(tmp_path: Path) -> None:
    path = tmp_path / "really-a-zip.tar.gz"
    path.write_bytes(zip_bytes([("a.md", b"A")]))

    files = list(archive_files(path))

    assert [("a.md", b"A")] == files


@pytest.mark.parametrize(("file_name", "pack"), FORMATS)
@pytest.mark.parametrize(
    ("name", "told"),
    [
        pytest.param("../evil.md", "points outside", id="parent"),
        pytest.param("a/../../evil.md", "points outside", id="parent in the middle"),
        pytest.param("a/..", "points outside", id="parent at the end"),
        pytest.param("/etc/evil.md", "points outside", id="absolute"),
        pytest.param("..\\evil.md", "backslash", id="backslash"),
        pytest.param("C:/evil.md", "drive letter", id="drive letter"),
        pytest.param("c:evil.md", "drive letter", id="drive letter without a slash"),
        pytest.param("a\nb.md", "control characters", id="line break"),
        pytest.param("a\x1b[2Jb.md", "control characters", id="terminal escape"),
        pytest.param("./.", "no name of its own", id="no name"),
        pytest.param("x" * 1_025, "1025 characters", id="endless name"),
    ],
)
def test_a_name_that_leads_elsewhere_refuses_the_archive(
    file_name: str, pack: Callable[[Members], bytes], name: str, told: str, tmp_path: Path
) -> None:
    path = tmp_path / file_name
    path.write_bytes(pack([("a.md", b"A"), (name, b"evil")]))

    with pytest.raises(SourceError) as refused:
        next(archive_files(path))

    assert told in str(refused.value)
    assert "\n" not in str(refused.value) and "\x1b" not in str(refused.value)
    assert [path] == list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("member", "reason"),
    [
        pytest.param(tar_member("l.md", tarfile.SYMTYPE, linkname="/etc/passwd"), "link", id="symbolic link"),
        pytest.param(tar_member("l.md", tarfile.LNKTYPE, linkname="../../x"), "link", id="hard link"),
        pytest.param(tar_member("d.md", tarfile.CHRTYPE, devmajor=1, devminor=5), "regular", id="character device"),
        pytest.param(tar_member("d.md", tarfile.BLKTYPE, devmajor=8), "regular", id="block device"),
        pytest.param(tar_member("p.md", tarfile.FIFOTYPE), "regular", id="fifo"),
    ],
)
def test_links_and_devices_of_a_tar_are_passed_over_and_told(
    member: tarfile.TarInfo, reason: str, tmp_path: Path
) -> None:
    path = tmp_path / "a.tar.gz"
    path.write_bytes(tar_bytes([("a.md", b"A")], extra=[member]))
    skipped: list[tuple[str, str]] = []

    files = list(archive_files(path, skipped=lambda name, why: skipped.append((name, why))))

    assert [("a.md", b"A")] == files
    assert [(member.name, True)] == [(name, reason in why) for name, why in skipped]


def test_links_of_a_zip_are_passed_over_and_told(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        link = zipfile.ZipInfo("l.md")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
        archive.writestr("a.md", "A")
    skipped: list[str] = []

    files = list(archive_files(path, skipped=lambda name, why: skipped.append(name)))

    assert [("a.md", b"A")] == files
    assert ["l.md"] == skipped


def test_nested_archives_and_unwanted_files_are_passed_over_and_told(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    path.write_bytes(zip_bytes([("a.md", b"A"), ("inner.tar.gz", b"x"), ("INNER.ZIP", b"x"), ("logo.png", b"x")]))
    skipped: list[str] = []

    files = list(
        archive_files(
            path,
            wanted=lambda name: name.endswith(".md"),
            skipped=lambda name, why: skipped.append(f"{name}: {why}"),
        )
    )

    assert [("a.md", b"A")] == files
    assert [
        "inner.tar.gz: an archive inside an archive is not opened",
        "INNER.ZIP: an archive inside an archive is not opened",
        "logo.png: not a file this builder reads",
    ] == skipped


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


def test_a_tar_damaged_in_the_middle_is_an_error_not_a_shorter_archive(tmp_path: Path) -> None:
    path = tmp_path / "a.tar"
    data = bytearray(tar_bytes([("a.md", b"A"), ("b.md", b"B"), ("c.md", b"C")], "w"))
    data[1024 + 148] ^= 0xFF  # the checksum of the second header
    path.write_bytes(data)

    with pytest.raises(SourceError, match=r"the header after member 'a\.md' cannot be read"):
        list(archive_files(path))


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(tar_bytes([("a.md", bytes(range(256)) * 40)])[:-200], id="tar.gz"),
        pytest.param(tar_bytes([("a.md", b"A" * 4_000)], "w")[:2_000], id="tar"),
        pytest.param(zip_bytes([("a.md", b"A" * 4_000)])[:-30], id="zip"),
    ],
)
def test_an_archive_cut_short_is_an_error(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "archive"
    path.write_bytes(data)

    with pytest.raises(SourceError, match="damaged"):
        list(archive_files(path))


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"<!doctype html><title>Sign in</title>", id="a page"),
        pytest.param(b"7z\xbc\xaf\x27\x1c", id="another archiver"),
    ],
)
def test_what_is_no_archive_is_told_with_what_was_found(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    path.write_bytes(data)

    with pytest.raises(SourceError, match="is no archive"):
        list(archive_files(path))


def test_a_missing_archive_is_a_source_error(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="No such file"):
        list(archive_files(tmp_path / "a.zip"))


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    kind=st.sampled_from(["w:gz", "w", "zip"]),
    changes=st.lists(st.tuples(st.integers(0, 5_000), st.integers(1, 255)), min_size=1, max_size=8),
    cut=st.integers(0, 300),
)
def test_a_damaged_archive_gives_its_files_or_a_source_error_and_nothing_else(
    kind: str, changes: list[tuple[int, int]], cut: int, tmp_path: Path
) -> None:
    members = [("a.md", b"A" * 700), ("folder/b.md", bytes(range(256))), ("c.md", b"")]
    data = bytearray(zip_bytes(members) if kind == "zip" else tar_bytes(members, kind))
    for at, difference in changes:
        data[at % len(data)] ^= difference
    path = tmp_path / "archive"
    path.write_bytes(data[: len(data) - cut])

    try:
        names = [name for name, _ in archive_files(path)]
    except SourceError:
        names = []

    assert names == sorted(set(names))
    assert [path] == list(tmp_path.iterdir())
