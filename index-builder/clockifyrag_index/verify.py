"""Verifying: every file of a generation is, byte for byte, what its manifest says, before any of it is opened."""

import stat
from collections.abc import Iterator
from pathlib import Path

from .disk import is_lost, storage_errors
from .errors import GenerationDamaged
from .files import FileRecord, file_sha256
from .layout import is_generation_id
from .manifest import Manifest
from .manifest_reader import read_manifest


def verified_manifest(directory: Path) -> Manifest:
    """The manifest of a generation whose files were all read and are right. Takes the time of one sha256 over them.

    GenerationMissing, GenerationDamaged (names the first wrong file), FormatUnsupported, or StorageError for a file
    that may not be read.
    """
    manifest = read_manifest(directory)
    for problem in problems(directory, manifest):
        raise GenerationDamaged(f"{problem}. Rebuild, or `clockifyrag index rollback`.")
    return manifest


def problems(directory: Path, manifest: Manifest, *, digests: bool = True) -> Iterator[str]:
    """A sentence for each file that is not what the manifest says; with digests=False names, kinds and sizes only."""
    if is_generation_id(directory.name) and directory.name != manifest.id:
        yield f"{directory}: its meta.json is that of {manifest.id}"
    for name, expected in manifest.files.items():
        path = directory / name
        with storage_errors(path):
            problem = _problem(path, expected, digests)
        if problem:
            yield f"{path}: {problem}"


def _problem(path: Path, expected: FileRecord, digests: bool) -> str:
    """What is wrong with the file; "" where nothing is. OSError where it may not be read."""
    try:
        status = path.lstat()
        if not stat.S_ISREG(status.st_mode):
            return "not a regular file"
        if status.st_size != expected.size_bytes:
            return f"{status.st_size:,} bytes, expected {expected.size_bytes:,}"
        if digests and (found := file_sha256(path)) != expected.sha256:
            return f"sha256 is {found}, expected {expected.sha256}"
    except FileNotFoundError:
        return "missing"
    except OSError as error:
        if not is_lost(error):
            raise
        return f"cannot be read ({error.strerror})"
    return ""
