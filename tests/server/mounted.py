"""A ConfigMap or Secret as the kubelet mounts it: key → ..data/key, and ..data is swapped by one rename.

After kubernetes, pkg/volume/util/atomic_writer.go: readers see all old files or all new ones.
"""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass
class Mounted:
    """The mounted folder; `write` is an update of the object."""

    folder: Path
    revision: int = 0

    def write(self, files: Mapping[str, str | bytes]) -> None:
        """The keys hold this from now on; what they held before is gone."""
        self.revision += 1
        written = self.folder / f"..2026_01_01_00_00_00.{self.revision:09}"
        written.mkdir(parents=True)
        for key, content in files.items():
            (written / key).write_bytes(content.encode() if isinstance(content, str) else content)
        data = self.folder / "..data"
        before = data.resolve() if data.is_symlink() else None
        (self.folder / "..data_tmp").symlink_to(written.name)
        (self.folder / "..data_tmp").replace(data)
        for key in files:
            if not (self.folder / key).is_symlink():
                (self.folder / key).symlink_to(Path("..data") / key)
        if before is not None:
            shutil.rmtree(before)
