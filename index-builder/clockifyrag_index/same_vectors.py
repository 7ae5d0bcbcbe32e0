"""Index files of a generation that stands, for another of the same vectors: a graph of a million rows takes half an
hour, and words, addresses and the format of a generation may change without them.
"""

import shutil
from collections.abc import Callable
from pathlib import Path

from .disk import is_full
from .errors import StorageError
from .files import file_sha256, sync
from .layout import Layout
from .manifest import Manifest
from .manifest_reader import read_manifest


def copied(root: Path, folder: Path, name: str, is_same: Callable[[Manifest], bool]) -> bool:
    """Whether the file of that name was copied into `folder` from a generation for which `is_same` holds.

    A copy that has not the digest of its manifest is removed again. OSError where the disk is full.
    """
    layout = Layout(root)
    for generation_id in layout.generation_ids():
        directory, target = layout.generation(generation_id), folder / name
        try:
            manifest = read_manifest(directory)
        except StorageError:
            continue
        if name not in manifest.files or not is_same(manifest):
            continue
        try:
            shutil.copyfile(directory / name, target)
            if file_sha256(target) == manifest.files[name].sha256:
                sync(target)
                return True
        except OSError as error:  # of another generation, which need not be whole: the file is made instead
            if is_full(error):
                raise
        target.unlink(missing_ok=True)
    return False
