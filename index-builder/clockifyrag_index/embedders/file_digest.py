"""The digest of a model file, computed once and remembered while the file stays as it is.

Hashing 90 MB takes 60 to 400 ms, more than all else that loading a model does. The verdict is kept in the user's cache
folder under the file's path, size, inode and change times; where nothing can be kept, each start computes it again.
"""

import hashlib
import json
import os
import secrets
from contextlib import suppress
from pathlib import Path

from ..files import file_sha256


def remembered_digest(path: Path) -> str:
    """`sha256:` and 64 hex digits of the file's content. OSError when it cannot be read."""
    path = path.resolve()
    found = path.stat()
    stamp: list[str | int] = [str(path), found.st_size, found.st_ino, found.st_mtime_ns, found.st_ctime_ns]
    note = _cache_folder() / f"{hashlib.sha256(os.fsencode(path)).hexdigest()[:32]}.json"
    remembered = _remembered(note, stamp)
    if remembered is not None:
        return remembered
    digest = f"sha256:{file_sha256(path)}"
    _remember(note, stamp, digest)
    return digest


def _cache_folder() -> Path:
    """$XDG_CACHE_HOME/clockifyrag/digests (XDG Base Directory Specification); ~/.cache where it is not set."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(base) if Path(base).is_absolute() else Path("~/.cache").expanduser()) / "clockifyrag" / "digests"


def _remembered(note: Path, stamp: list[str | int]) -> str | None:
    """The digest noted for this very file, or None."""
    try:
        content = json.loads(note.read_bytes())
    except (OSError, ValueError):  # never noted, or a note cut short: it is computed again
        return None
    if not isinstance(content, dict) or content.get("stamp") != stamp:
        return None
    digest = content.get("digest")
    return digest if isinstance(digest, str) else None


def _remember(note: Path, stamp: list[str | int], digest: str) -> None:
    with suppress(OSError):  # a read-only home costs a computation at each start and nothing else
        note.parent.mkdir(parents=True, exist_ok=True)
        temporary = note.with_suffix(f".{secrets.token_hex(4)}.tmp")
        temporary.write_text(json.dumps({"stamp": stamp, "digest": digest}))
        temporary.replace(note)
