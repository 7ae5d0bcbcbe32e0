"""FileAt: what it reads, and what it says of a file that is cut, gone or closed."""

import errno
import os
import threading
from pathlib import Path

import numpy as np
import pytest

from clockifyrag_index.errors import GenerationDamaged, StorageError
from clockifyrag_index.file_at import FileAt

DATA = bytes(range(256)) * 64


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "data"
    path.write_bytes(DATA)
    return path


@pytest.mark.parametrize(("place", "count"), [(0, 0), (0, 1), (255, 2), (len(DATA) - 3, 3), (0, len(DATA))])
def test_the_bytes_at_a_place_come_back(path, place, count):
    file, buffer = FileAt(path), np.empty(count, np.uint8)

    file.read_into(buffer.data, place)

    assert DATA[place : place + count] == file.read(place, count) == buffer.tobytes()


def test_several_threads_read_their_own_places(path):
    file, wrong = FileAt(path), []

    def reads(first):
        for place in range(first, len(DATA) - 8, 7):
            if file.read(place, 8) != DATA[place : place + 8]:
                wrong.append(place)

    threads = [threading.Thread(target=reads, args=(first,)) for first in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [] == wrong


def test_a_file_cut_while_it_is_open_is_damaged_not_fatal(path):
    file, buffer = FileAt(path), np.empty(8, np.uint8)
    os.truncate(path, 100)

    for read in (lambda: file.read(96, 8), lambda: file.read_into(buffer.data, 96)):
        with pytest.raises(GenerationDamaged, match=r"data: ends at byte 100, expected bytes up to 104\. Rebuild\."):
            read()


def test_an_error_of_the_disk_is_told_as_one(path, monkeypatch):
    """A mock: no disk here fails on demand."""
    file = FileAt(path)

    def fails(*_):
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "pread", fails)
    monkeypatch.setattr(os, "preadv", fails)

    for read in (lambda: file.read(0, 8), lambda: file.read_into(memoryview(bytearray(8)), 0)):
        with pytest.raises(StorageError, match="data: Input/output error"):
            read()


def test_a_removed_file_is_read_until_it_is_closed(path):
    file = FileAt(path)
    path.unlink()

    with file.mapped() as mapped:
        assert DATA == mapped[:] == file.read(0, file.size)
    file.close()
    file.close()

    for read in (lambda: file.read(0, 1), lambda: file.read_into(memoryview(bytearray(1)), 0), file.mapped):
        with pytest.raises(ValueError, match="data: read after close"):
            read()


def test_the_last_reference_closes_the_file(path):
    file = FileAt(path)
    assert 1 == open_files(path)

    del file

    assert 0 == open_files(path)


def open_files(path):
    """How often this process has it open."""
    return sum(one.is_symlink() and one.readlink() == path for one in Path("/proc/self/fd").iterdir())
