"""Transfer: one file of a generation from the store to this disk, verified block by block while it arrives.

what is there already ─ whole blocks that are right stay ─► Range request ─► piece ─ digests ─► file
                                                                 ▲              │
                                                                 └─ once more ◄─┴─ a block is wrong
"""

import hashlib
import random
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import httpx

from clockifyrag_index.errors import GenerationDamaged, GenerationMissing, StorageError
from clockifyrag_index.files import BLOCK_BYTES, FileRecord

WRONG_BLOCKS_MAX = 2  # of one file, before it is given up
BUSY_SECONDS_MAX = 60.0  # that a store may send us away, before it is told as a problem
BUSY_WAIT_SECONDS_MAX = 10.0

Progress = Callable[[int], None]  # bytes of the file that are here


class StoreUnavailable(StorageError):
    """The store does not answer as it should now; what was fetched stays, and the next attempt goes on from there."""


class Interrupted(Exception):
    """The transfer is no longer wanted."""


class WrongBlock(Exception):
    """A block is not what the manifest says; the file ends before it."""


class Arriving:
    """A file of the manifest on its way: what is written is compared as soon as a block is whole."""

    def __init__(self, file: BinaryIO, name: str, record: FileRecord) -> None:
        """Takes over from the file what is right already, in whole blocks, and cuts off the rest."""
        self.name = name
        self.size = 0
        self._file = file
        self._record = record
        self._whole = hashlib.sha256()
        self._block = hashlib.sha256()
        self._take_over()

    def take(self, piece: bytes) -> None:
        """Writes the piece. WrongBlock when a block does not become what it should be."""
        if self.size + len(piece) > self._record.size_bytes:
            raise GenerationDamaged(f"{self.name}: the store sends more than {self._record.size_bytes:,} bytes")
        view = memoryview(piece)
        while view:
            part = view[: BLOCK_BYTES - self.size % BLOCK_BYTES]
            self._file.write(part)
            self._block.update(part)
            self._whole.update(part)
            self.size += len(part)
            view = view[len(part) :]
            if self.size % BLOCK_BYTES == 0 or self.size == self._record.size_bytes:
                self._end_block()

    def check_whole(self) -> None:
        """GenerationDamaged when the file, whose blocks are right, is not: the manifest contradicts itself."""
        assert self.size == self._record.size_bytes, "all bytes were taken"
        if (found := self._whole.hexdigest()) != self._record.sha256:
            raise GenerationDamaged(f"{self.name}: sha256 is {found}, expected {self._record.sha256}")

    def _end_block(self) -> None:
        number = (self.size - 1) // BLOCK_BYTES
        if self._block.hexdigest() != self._record.blocks[number]:
            raise WrongBlock(f"{self.name}: bytes from {number * BLOCK_BYTES:,} on are not what the manifest says")
        self._block = hashlib.sha256()

    def _take_over(self) -> None:
        for digest in self._record.blocks:
            block = self._file.read(BLOCK_BYTES)
            expected = min(BLOCK_BYTES, self._record.size_bytes - self.size)
            if len(block) != expected or hashlib.sha256(block).hexdigest() != digest:
                break
            self._whole.update(block)
            self.size += len(block)
        self._file.truncate(self.size)
        self._file.seek(self.size)


def fetch_file(
    client: httpx.Client, url: str, path: Path, name: str, record: FileRecord, progress: Progress, cut: threading.Event
) -> None:
    """The file at `path` holds what the manifest says. Goes on with what is there from an earlier attempt.

    StoreUnavailable, GenerationMissing; GenerationDamaged when the store has a shorter file or gives other bytes twice;
    Interrupted once `cut` is set; OSError when they cannot be written.
    """
    busy_until = time.monotonic() + BUSY_SECONDS_MAX
    wrong = 0
    path.touch()
    while True:
        with path.open("r+b") as file:
            arriving = Arriving(file, name, record)
            progress(arriving.size)
            try:
                is_whole = arriving.size == record.size_bytes
                wait = None if is_whole else _receive(client, url, arriving, record, progress, cut)
            except WrongBlock as error:
                wrong += 1
                if wrong >= WRONG_BLOCKS_MAX:
                    raise GenerationDamaged(f"{error}; the store was asked for them {wrong} times") from error
                continue
            if wait is None:
                arriving.check_whole()
                return
        if time.monotonic() > busy_until:
            raise StoreUnavailable(f"the store is busy for {BUSY_SECONDS_MAX:.0f} seconds already")
        if cut.wait(wait * random.uniform(1.0, 1.5)):  # pods sent away together do not come back so
            raise Interrupted(name)


def _receive(
    client: httpx.Client, url: str, arriving: Arriving, record: FileRecord, progress: Progress, cut: threading.Event
) -> float | None:
    """Takes the bytes that are missing; or the seconds after which a busy store wants to be asked again."""
    etag = f'"{record.sha256}"'
    headers = {"Range": f"bytes={arriving.size}-", "If-Range": etag} if arriving.size else {}
    try:
        with client.stream("GET", url, headers=headers) as response:
            if (wait := busy_seconds(response)) is not None:
                return wait
            if response.status_code == 404:
                raise GenerationMissing(f"{arriving.name} is not in the store")
            if response.status_code == 416:  # Range Not Satisfiable: nothing is behind what is here
                raise GenerationDamaged(f"{arriving.name}: the store has less than {record.size_bytes:,} bytes")
            require_success(response, expected=206 if arriving.size else 200, etag=etag)
            for piece in response.iter_raw():  # as they come: of a slow store a size would be waited for
                if cut.is_set():
                    raise Interrupted(url)
                arriving.take(piece)
                progress(arriving.size)
    except httpx.HTTPError as error:
        raise unreachable(error) from error
    if arriving.size < record.size_bytes:  # an answer that broke off is an error of HTTP
        raise GenerationDamaged(f"{arriving.name}: the store has {arriving.size:,} of {record.size_bytes:,} bytes")
    return None


def busy_seconds(response: httpx.Response) -> float | None:
    """The seconds of Retry-After of a store that has too much to do; None for any other answer."""
    after = response.headers.get("retry-after", "")
    if response.status_code != 503 or not (after.isascii() and after.isdigit()):
        return None
    return min(float(after), BUSY_WAIT_SECONDS_MAX)


def require_success(response: httpx.Response, expected: int, etag: str = "") -> None:
    """Returns when the answer has that status and is of those bytes; otherwise what it means is raised."""
    status = response.status_code
    if status == 404:
        raise GenerationMissing("it is not in the store")
    if status not in (200, 206):
        raise StoreUnavailable(f"the store answers {status}; its log has the cause")
    if status != expected or (etag and response.headers.get("etag") != etag):
        raise StoreUnavailable("the store holds other bytes under this name by now; the manifest is asked for again")


def unreachable(error: httpx.HTTPError) -> StoreUnavailable:
    """The error without the address, which answers to clients must not name."""
    return StoreUnavailable(f"the store cannot be reached or broke off ({type(error).__name__})")
