"""Archives give their files in order; what leads elsewhere is refused or passed over, and nothing is written there."""

import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from archives import FORMATS, Members, tar_bytes, tar_member, zip_bytes

from clockifyrag_builder.readers.archive import archive_files
from clockifyrag_index.errors import SourceError


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
