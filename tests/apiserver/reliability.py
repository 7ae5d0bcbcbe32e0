"""The tables of docs/reliability.md: which test stands for which promise, and `make chaos`.

`python -m tests.apiserver.reliability R5` runs the tests of a row, without one those of all rows. Those whose result
was kept by the commit at hand, at the same times, are left out, so that a run of hours can be continued; not with
--anew.
CHAOS says which times: 1 the real ones.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.cluster import results

ROOT = Path(__file__).resolve().parents[2]
FOLDER = Path("tests/apiserver")
OPTIONS = ("-o", "timeout=14400", "-v", "-s")
ANEW = "--anew"
NOTHING_COLLECTED = 5  # exit code of pytest
_ROW = re.compile(
    r"^\| ((?:[TRS]\d+(?:, )?)+) \| (.+?) \| `(.+?)::(.+?)` \| ([^|]*?) \| ([^|]*?) \| (\w*) ?\|$", re.MULTILINE
)


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    numbers: tuple[str, ...]  # T8, R5
    promise: str
    file: Path
    test: str
    fault: str
    load: str
    mutant: str

    @property
    def node(self) -> str:
        """As pytest takes it."""
        return f"{self.file}::{self.test}"


def rows() -> Iterator[Row]:
    text = (ROOT / "docs" / "reliability.md").read_text()
    for numbers, promise, file, test, *others in _ROW.findall(text):
        whole = Path(file) if file.startswith("tests/") else FOLDER / file  # the first table names files of its folder
        yield Row(tuple(numbers.split(", ")), promise, whole, test, *others)


def kept_nodes(commit: str, times: str, folders: Iterable[Path]) -> set[str]:
    """What passed at that commit and these times, as pytest names it; of files that differ from a commit nothing."""
    if not commit or commit.endswith("+"):
        return set()
    kept = [json.loads(file.read_text()) for folder in folders for file in folder.glob("*.json")]
    return {one["node"] for one in kept if (one["commit"], one["times"]) == (commit, times) and one.get("node")}


def to_run(nodes: Iterable[str], kept: set[str]) -> tuple[list[str], list[str]]:
    """Arguments of pytest for what is left to run of these tests, none if nothing is; and what is left out."""
    left, out = list[str](), list[str]()
    for node in dict.fromkeys(nodes):
        cases = sorted(one for one in kept if one.startswith(f"{node}["))
        if node in kept:
            out.append(node)
        else:
            left += [node, *(f"--deselect={case}" for case in cases)]
            out += cases
    return left, out


def main() -> None:
    wanted = next((one for one in sys.argv[1:] if one != ANEW), "")
    nodes = [row.node for row in rows() if not wanted or wanted in row.numbers]
    if not nodes:
        sys.exit(f"docs/reliability.md has no row {wanted}")
    kept = set() if ANEW in sys.argv else kept_nodes(results.commit(), results.TIMES, (results.KEPT, results.SHORT))
    left, out = to_run(nodes, kept)
    if out:
        print(f"left out, as {results.commit()} passed at {results.TIMES} times before (ANEW=1 runs all):")
        print("\n".join(f"  {one}" for one in out), flush=True)
    if left:
        code = subprocess.run([sys.executable, "-m", "pytest", *OPTIONS, *left], cwd=ROOT).returncode
        sys.exit(0 if out and code == NOTHING_COLLECTED else code)


if __name__ == "__main__":
    main()
