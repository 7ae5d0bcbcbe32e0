"""The tables of docs/reliability.md: which test stands for which promise.

`python -m tests.apiserver.reliability R5` prints the tests of a row, without one all of them, as pytest takes them.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOLDER = Path("tests/apiserver")
_ROW = re.compile(r"^\| ((?:[TRS]\d+(?:, )?)+) \| (.+?) \| `(.+?)::(.+?)` \| .* \| (\w*) ?\|$", re.MULTILINE)


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    numbers: tuple[str, ...]  # T8, R5
    promise: str
    file: Path
    test: str
    mutant: str


def rows() -> Iterator[Row]:
    text = (ROOT / "docs" / "reliability.md").read_text()
    for numbers, promise, file, test, mutant in _ROW.findall(text):
        whole = Path(file) if file.startswith("tests/") else FOLDER / file  # the first table names files of its folder
        yield Row(tuple(numbers.split(", ")), promise, whole, test, mutant)


def main() -> None:
    wanted = sys.argv[1] if len(sys.argv) > 1 else ""
    found = [f"{row.file}::{row.test}" for row in rows() if not wanted or wanted in row.numbers]
    if not found:
        sys.exit(f"docs/reliability.md has no row {wanted}")
    print("\n".join(dict.fromkeys(found)))


if __name__ == "__main__":
    main()
