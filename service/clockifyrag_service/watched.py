"""Watched files: what shows that a file changed without reading it."""

from pathlib import Path


def stamp(file: Path) -> object:
    """What changes whenever the file does; None while there is none."""
    try:
        stat = file.stat()
    except OSError:
        return None
    return stat.st_ctime_ns, stat.st_size, stat.st_ino
