"""Memo: what was made of a text in an earlier build: of a changed source the changed articles alone are worked on.

    header   "CRAGMEMO", 64 hex digits of what made the results, a line break
    record   16 bytes key, uint32 length, uint32 crc32 of key and value, the value as JSON; integers little-endian

It never decides what is right: a key is a digest over all that decides a result, the header one of the code that makes
it, and whatever is missing or damaged is made again. The file is written whole, with what this build used.
"""

import hashlib
import os
import secrets
import struct
import sys
import unicodedata
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import orjson

from clockifyrag_index.identity import canonical_json

SIZE_BYTES_MAX = 128 << 20  # of what is kept: a source of 64 MiB fits; of a larger one the rest is made again
PARSERS = ("orjson", "pyromark", "selectolax")

_MAGIC = b"CRAGMEMO"
_RECORD = struct.Struct("<16sII")


class Memo:
    """Results by what they were made of; without a path it remembers nothing."""

    def __init__(self, path: Path | None = None, maker: object = None, size_bytes_max: int = SIZE_BYTES_MAX) -> None:
        """maker: JSON values that decide the results beside their inputs and this package's code."""
        self._path = path
        self._size_bytes_left = size_bytes_max
        self._header = _header(maker) if path else b""
        self._stored = dict(_records(path, self._header)) if path else {}
        self._used: dict[bytes, bytes] = {}
        self._made = 0

    def of(self, inputs: object, make: Callable[[], Any]) -> Any:
        """What `make` gives: JSON values. inputs: all that decides them, as JSON values; tuples come back as lists."""
        if self._path is None:
            return make()
        try:
            key = hashlib.sha256(orjson.dumps(inputs)).digest()[:16]
            value = self._stored.get(key)
            if value is not None:
                self._keep(key, value)
                return orjson.loads(value)
            result = make()
            self._keep(key, orjson.dumps(result))
            self._made += 1
            return result
        except orjson.JSONEncodeError:  # half of a surrogate pair, which JSON cannot carry
            return make()

    def save(self) -> None:
        """Keeps what was used since the memo was opened, for the next build; the rest is forgotten.

        What cannot be written is made again then: a full disk is told of by what must be written.
        """
        if self._path is None or (not self._made and len(self._used) == len(self._stored)):
            return
        new = self._path.with_name(f"{self._path.name}.{os.getpid()}-{secrets.token_hex(4)}")
        try:
            with suppress(OSError):
                new.parent.mkdir(parents=True, exist_ok=True)
                with new.open("wb") as file:
                    file.write(self._header)
                    for key, value in self._used.items():
                        file.write(_RECORD.pack(key, len(value), zlib.crc32(value, zlib.crc32(key))))
                        file.write(value)
                new.replace(self._path)
        finally:  # those of killed builds, too; a shard whose file goes while it writes saves nothing
            with suppress(OSError):
                for left in self._path.parent.glob(f"{self._path.name}.*"):
                    left.unlink(missing_ok=True)

    def _keep(self, key: bytes, value: bytes) -> None:
        if key not in self._used and len(value) <= self._size_bytes_left:
            self._size_bytes_left -= len(value)
            self._used[key] = value


def _header(maker: object) -> bytes:
    return _MAGIC + hashlib.sha256(canonical_json([code_digest(), maker])).hexdigest().encode() + b"\n"


def _records(path: Path, header: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Key and value of every sound record up to the first that is not; none where another maker wrote them."""
    try:
        content = path.read_bytes()
    except OSError:
        return
    at = len(header)
    if content[:at] != header:
        return
    while at + _RECORD.size <= len(content):
        key, length, crc = _RECORD.unpack_from(content, at)
        at += _RECORD.size
        value = content[at : at + length]
        if len(value) < length or zlib.crc32(value, zlib.crc32(key)) != crc:
            return
        yield key, value
        at += length


@cache
def code_digest() -> str:
    """Of the code that reads and divides documents: this package's sources, the parsers' and Python's versions."""
    digest = hashlib.sha256(f"{sys.version_info} {unicodedata.unidata_version}".encode())
    for name in PARSERS:
        digest.update(f"{name} {version(name)}\n".encode())
    folder = Path(__file__).parent
    for path in sorted(folder.rglob("*.py")):
        digest.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()
