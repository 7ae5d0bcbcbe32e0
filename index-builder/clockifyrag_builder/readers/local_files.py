"""Local files and folders → documents."""

import errno
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from clockifyrag_builder.documents import Document
from clockifyrag_builder.readers.decoding import shown_name
from clockifyrag_builder.readers.from_bytes import (
    FORMATS,
    documents_from_bytes,
    format_of_name,
    require_size,
    sniffed_format,
)
from clockifyrag_builder.readers.jsonl import documents_of_jsonl
from clockifyrag_builder.readers.read_log import ReadLog
from clockifyrag_builder.readers.reading import DocumentFormat, Format, Reading
from clockifyrag_index.errors import SourceError


def iter_documents(path: Path, reading: Reading) -> Iterator[Document]:
    """The documents of a file, or of a folder's files in the order of their paths; one file is held at a time.

    In a folder hidden files, files of another format and links that lead out of it are passed over and noted in
    `reading.log`. SourceError names what cannot be read, and is raised when there was no document at all.
    """
    log = reading.log
    documents_before = log.documents
    if is_folder(path):
        for name in file_names(path, log):
            expected = format_of_name(name)
            if expected is None or not reading.takes(expected):
                log.skip(name, _other_format(reading.format))
                continue
            yield from _documents_of_file(path / name, name, replace(reading, format=expected))
    else:
        yield from _documents_of_file(path, path.name, reading)
    if log.documents == documents_before:
        raise log.nothing_found(str(path))


def _documents_of_file(path: Path, name: str, reading: Reading) -> Iterator[Document]:
    if (shown := shown_name(name)) != name:
        reading.log.problem(shown, "its name is not valid UTF-8; such bytes are shown as �", strict=reading.strict)
        name = shown
    try:
        if not path.is_file():  # opening a pipe would wait for its writer
            raise SourceError(no_file(path))
        with path.open("rb") as file:
            known: DocumentFormat | None = reading.format if reading.format != "Auto" else format_of_name(name)
            if known is None:
                known = sniffed_format(file.peek(4096)[:4096])
            if known == "JSONL":
                yield from documents_of_jsonl(reading.of(name), file)
                return
            require_size(str(path), os.fstat(file.fileno()).st_size, known)
            data = file.read()
    except OSError as error:
        raise SourceError(_unreadable(path, error)) from error
    yield from documents_from_bytes(name, data, reading)


def is_folder(path: Path) -> bool:
    """Whether it is one, links followed; False where there is nothing. SourceError where that cannot be known."""
    try:
        return path.is_dir()
    except OSError as error:  # a folder above it may not be entered
        raise SourceError(_unreadable(path, error)) from error


def no_file(path: Path) -> str:
    """What is wrong with a path that is neither a regular file nor a folder."""
    return (
        f"{path} {'is no regular file' if path.exists() else 'does not exist'}. Name a file or a folder of documents."
    )


def file_names(root: Path, log: ReadLog) -> list[str]:
    """Paths of all visible regular files below `root`, relative with "/", sorted.

    Links are followed as long as they stay below `root` (a mounted ConfigMap is made of such links); a folder is
    entered once, so that links cannot lead in circles.
    """
    inside = Path(os.path.realpath(root))
    names: list[str] = []
    linked: list[str] = []
    entered = {inside}
    waiting = [""]
    while waiting or linked:
        folder = waiting.pop() if waiting else linked.pop(0)
        if folder and (real := Path(os.path.realpath(root / folder))) not in entered:
            entered.add(real)
        elif folder:
            log.skip(folder, "a link to a folder that is read under its own name")
            continue
        for name, kind in _entries(root, inside, folder, log):
            {"file": names, "folder": waiting, "link": linked}[kind].append(name)
        linked.sort()
    return sorted(names)


def _entries(root: Path, inside: Path, folder: str, log: ReadLog) -> Iterator[tuple[str, str]]:
    """(relative path, "file" | "folder" | "link" to a folder) of what is to be read in one folder."""
    directory = root / folder
    try:
        entries = sorted(os.scandir(directory), key=lambda entry: entry.name)
    except OSError as error:
        raise SourceError(_unreadable(directory, error)) from error
    for entry in entries:
        name = f"{folder}/{entry.name}" if folder else entry.name
        if entry.name.startswith("."):
            continue
        if entry.is_symlink() and not Path(os.path.realpath(entry.path)).is_relative_to(inside):
            log.skip(name, "a link that leads out of the folder")
            continue
        try:
            is_dir, is_file = entry.is_dir(), entry.is_file()
        except OSError as error:
            if error.errno != errno.ELOOP:
                raise SourceError(_unreadable(Path(entry.path), error)) from error
            log.skip(name, "a link that leads back to itself")
            continue
        if is_dir:
            yield name, "link" if entry.is_symlink() else "folder"
        elif is_file:
            yield name, "file"
        else:
            log.skip(name, "a link to nothing" if entry.is_symlink() else "no regular file")


def _other_format(format: Format) -> str:
    if format == "Auto":
        return f"its suffix is none of {' '.join(FORMATS)}"
    return f"its suffix is not one of {format}, the only format asked for"


def _unreadable(path: Path, error: OSError) -> str:
    if isinstance(error, FileNotFoundError):
        return no_file(path)
    if isinstance(error, PermissionError):
        kind = "folder" if os.path.isdir(path) else "file"  # noqa: PTH112 (Path.is_dir raises where this says no)
        return f"The {kind} {path} may not be read by this user (uid {os.geteuid()}). Try: chmod -R a+rX '{path}'"
    return f"{path} cannot be read: {error.strerror or error}."
