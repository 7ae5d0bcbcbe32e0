"""RandomAccessFile: what it reads, and what it says of a file that is cut, gone or closed."""

import errno
import os
import threading
from pathlib import Path

import numpy as np
import pytest

from clockifyrag_index.errors import GenerationDamaged, StorageError
from clockifyrag_index.random_access_file import RandomAccessFile

DATA = bytes(range(256)) * 64


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "data"
    path.write_bytes(DATA)
    return path


@pytest.mark.parametrize(("offset", "size"), [(0, 0), (0, 1), (255, 2), (len(DATA) - 3, 3), (0, len(DATA))])
def test_the_bytes_at_an_offset_come_back(path, offset, size):
    file, buffer = RandomAccessFile(path), np.empty(size, np.uint8)

    file.read_into(buffer.data, offset)

    assert DATA[offset : offset + size] == file.read(offset, size) == buffer.tobytes()


def test_several_threads_read_their_own_places(path):
    file, wrong = RandomAccessFile(path), []

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
    file, buffer = RandomAccessFile(path), np.empty(8, np.uint8)
    os.truncate(path, 100)

    for read in (lambda: file.read(96, 8), lambda: file.read_into(buffer.data, 96)):
        with pytest.raises(GenerationDamaged, match=r"data: ends at byte 100, expected bytes up to 104\. Rebuild\."):
            read()


def test_an_error_of_the_disk_is_told_as_one(path, monkeypatch):
    """A mock: no disk here fails on demand."""
    file = RandomAccessFile(path)

    def fails(*_):
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "pread", fails)
    monkeypatch.setattr(os, "preadv", fails)

    for read in (lambda: file.read(0, 8), lambda: file.read_into(memoryview(bytearray(8)), 0)):
        with pytest.raises(StorageError, match="data: Input/output error"):
            read()


def test_a_read_cut_short_goes_on_and_an_error_behind_it_is_one_of_the_disk(path, monkeypatch):
    """A mock: Linux gives what it read before a page that fails, and the error with the next read."""
    file, whole = RandomAccessFile(path), os.preadv

    def halves(descriptor, buffers, offset):
        (buffer,) = buffers
        return whole(descriptor, [buffer[: max(1, len(buffer) // 2)]], offset)

    def fails_behind_100(descriptor, buffers, offset):
        if offset >= 100:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        (buffer,) = buffers
        return whole(descriptor, [buffer[: 100 - offset]], offset)

    monkeypatch.setattr(os, "pread", lambda descriptor, size, offset: DATA[offset : offset + 1])
    monkeypatch.setattr(os, "preadv", halves)
    assert DATA[50:150] == file.read(50, 100)

    monkeypatch.setattr(os, "preadv", fails_behind_100)
    with pytest.raises(StorageError, match="data: Input/output error"):
        file.read(50, 100)


def test_a_removed_file_is_read_until_it_is_closed(path):
    file = RandomAccessFile(path)
    path.unlink()

    with file.mapped() as mapped:
        assert DATA == mapped[:] == file.read(0, file.size)
    file.close()
    file.close()

    for read in (lambda: file.read(0, 1), lambda: file.read_into(memoryview(bytearray(1)), 0), file.mapped):
        with pytest.raises(ValueError, match="data: read after close"):
            read()


def test_the_last_reference_closes_the_file(path):
    file = RandomAccessFile(path)
    assert 1 == open_files(path)

    del file

    assert 0 == open_files(path)


def open_files(path):
    """How often this process has it open."""
    return sum(one.is_symlink() and one.readlink() == path for one in Path("/proc/self/fd").iterdir())
