"""Verifying: every file of a generation is, byte for byte, what its manifest says, before any of it is opened."""

import stat
from collections.abc import Iterator
from pathlib import Path

from .disk import storage_errors
from .errors import GenerationDamaged
from .files import file_sha256
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
            try:
                status = path.lstat()
            except FileNotFoundError:
                yield f"{path}: missing"
                continue
            if not stat.S_ISREG(status.st_mode):
                yield f"{path}: not a regular file"
            elif status.st_size != expected.size_bytes:
                yield f"{path}: {status.st_size:,} bytes, expected {expected.size_bytes:,}"
            elif digests and (found := file_sha256(path)) != expected.sha256:
                yield f"{path}: sha256 is {found}, expected {expected.sha256}"
