"""What a fault did, kept: rows of docs/reliability.md by date and commit.

`make chaos` writes bench/chaos/<test>.json, and leaves out what it kept of the same commit before, so that a run of
hours can be continued; other runs, whose faults are shorter, write below .run. `python -m tests.cluster.results` takes
those, too, and writes the table of the document.
"""

from __future__ import annotations

import datetime
import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

from bench.results import between_marks

ROOT = Path(__file__).resolve().parents[2]
KEPT, SHORT = ROOT / "bench" / "chaos", ROOT / ".run" / "chaos"
DOCUMENT = ROOT / "docs" / "reliability.md"
BEGIN = "<!-- made by python -m tests.cluster.results: begin -->"
EVERY_ROW = bool(os.environ.get("CHAOS"))  # those that `make e2e` leaves out, too
CHAOS = os.environ.get("CHAOS") == "1"  # at the real times
AFTER_SECONDS = 60.0 if CHAOS else 5.0  # how long questions go on after recovery
TIMES = "real" if CHAOS else "short"
COLUMNS = ("rows", "fault", "load", "requests", "failures", "p99_ms", "recovery_seconds")


def keep(test: str, rows: str, **told: object) -> None:
    """Writes the result of a test, as its last step; rows are the promises it stands for, as in "R4, T15"."""
    folder = KEPT if CHAOS else SHORT
    folder.mkdir(parents=True, exist_ok=True)
    date = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d")
    node, _, _ = os.environ.get("PYTEST_CURRENT_TEST", "").rpartition(" ")
    content = {"rows": rows, "times": TIMES, "date": date, "commit": commit(), "node": node, **told}
    (folder / f"{test}.json").write_text(json.dumps(content, indent=1) + "\n")
    print(f"  {rows}: {' '.join(f'{name}={value}' for name, value in told.items())}", flush=True)


def forget(node: str) -> None:
    """Removes what a test, as pytest names it, gave at these times: it failed, and what is kept counts as passed.

    Also what it kept a moment ago: a fixture may fail after the last step of its test.
    """
    for file in (file for folder in (KEPT, SHORT) for file in folder.glob("*.json")):
        told = json.loads(file.read_text())
        if (told.get("node"), told["times"]) == (node, TIMES):
            file.unlink()


def commit() -> str:
    """The commit at hand, as in 4223a40; with a + where files differ from it, results and documents aside."""
    changed = ["git", "status", "--porcelain", "--", ".", ":!bench/chaos", ":!docs"]
    head, status = (
        subprocess.run(command, cwd=ROOT, capture_output=True, text=True).stdout.strip()
        for command in (["git", "rev-parse", "--short", "HEAD"], changed)
    )
    return head + ("+" if status else "")


def kept() -> dict[str, dict[str, Any]]:
    """The results in bench/chaos by the name of the test."""
    return {file.stem: json.loads(file.read_text()) for file in sorted(KEPT.glob("*.json"))}


def take_short_ones() -> None:
    """Copies those of other runs, unless there is one at the real times."""
    before = kept()
    for file in SHORT.glob("*.json"):
        if before.get(file.stem, {}).get("times") != "real":
            (KEPT / file.name).write_text(file.read_text())


def table() -> str:
    """The results in Markdown."""
    lines = ["| row | fault | load | requests | failures | p99 ms | recovery s | times | measured |", "|---" * 9 + "|"]
    for one in sorted(kept().values(), key=lambda one: [int(number) for number in re.findall(r"\d+", one["rows"])]):
        cells = [_shown(one.get(column, "")) for column in COLUMNS]
        lines.append(f"| {' | '.join(cells)} | {one['times']} | {one['date']}, {one['commit']} |")
    return "\n".join(lines)


def _shown(value: object) -> str:
    """Of several of a kind, by pod or file say, the largest."""
    several = value.values() if isinstance(value, dict) else value if isinstance(value, list) else (value,)
    return str(max(several))


def with_table(document: str) -> str:
    """The document with the results between its two marks; ValueError where it has none."""
    return between_marks(document, BEGIN, f"\n{table()}\n")


if __name__ == "__main__":
    take_short_ones()
    DOCUMENT.write_text(with_table(DOCUMENT.read_text()))
