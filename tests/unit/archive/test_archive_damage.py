"""Archives that are not whole, or none at all: an error, never a shorter archive."""

from pathlib import Path

import pytest
from archives import tar_bytes, zip_bytes
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clockifyrag_builder.readers.archive import archive_files
from clockifyrag_index.errors import SourceError


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
