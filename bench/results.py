"""Results: bench/results.json, and the table of docs/performance.md that is made from it."""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.comparison import Comparison
from bench.machine import ROOT

RESULTS = ROOT / "bench" / "results.json"
DOCUMENT = ROOT / "docs" / "performance.md"
QUALITY_DOCUMENT = ROOT / "docs" / "quality.md"  # of the figures whose id begins with `quality-` or `chunking-`
BEGIN, END = "<!-- made by python -m bench --docs: begin -->", "<!-- end -->"
CHUNKING, CHUNKING_BEGIN = "chunking-", "<!-- chunking, made by python -m bench --docs: begin -->"

Results = dict[str, Any]


def read_results(path: Path = RESULTS) -> Results:
    """What was measured before; without figures where nothing was."""
    if not path.exists():
        return {"machine": None, "versions": None, "figures": []}
    results: Results = json.loads(path.read_text(encoding="utf-8"))
    return results


def merged(before: Results, machine: Mapping[str, Any], versions: Mapping[str, str],
           comparisons: Sequence[Comparison], run: Mapping[str, Any]) -> Results:  # fmt: skip
    """The figures with those measured now in place of their earlier selves.

    Of another machine nothing is kept: figures of two machines do not belong into one table.
    """
    kept = before["figures"] if before["machine"] == machine else []
    figures = {one["id"]: one for one in kept}
    figures.update({one.id: {**one.record(), **run} for one in comparisons})
    ordered = sorted(figures.values(), key=lambda one: (goal_number(one), one["id"]))
    return {"machine": dict(machine), "versions": dict(versions), "figures": ordered}


def goal_number(figure: Mapping[str, Any]) -> int:
    """The number of the bar that a figure is measured against; those without one come last."""
    return int(figure.get("goal", "").removeprefix("G") or 99)


def of_quality(results: Results, *, wanted: bool) -> Results:
    """The figures of rankings alone, or all others; those of chunking are in neither."""
    figures = [one for one in results["figures"] if one["id"].startswith("quality-") == wanted]
    return {**results, "figures": [one for one in figures if not one["id"].startswith(CHUNKING)]}


def write_results(results: Results, path: Path = RESULTS) -> None:
    path.write_text(json.dumps(results, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def with_table(document: str, results: Results) -> str:
    """The document with the table of these results between its two marks."""
    return between_marks(document, BEGIN, table(results))


def with_chunking(document: str, results: Results) -> str:
    """The document with the table of chunkings that these results hold."""
    return between_marks(document, CHUNKING_BEGIN, chunking_table(results))


def between_marks(document: str, begin: str, table: str) -> str:
    """The document with this table between the line `begin` and END; ValueError where it has not both."""
    if not re.search(f"{re.escape(begin)}.*{re.escape(END)}", document, re.DOTALL):
        raise ValueError(f"expected the lines {begin!r} and {END!r}, between which the table stands")
    before, _, rest = document.partition(begin)
    return f"{before}{begin}\n{table}\n{END}{rest.partition(END)[2]}"


def table(results: Results) -> str:
    """The results in Markdown."""
    if not results["figures"]:
        return "\nNothing was measured yet: `make bench`.\n"
    machine, versions = results["machine"], results["versions"]
    named = ", ".join(f"{name} {number}" for name, number in versions.items())
    where = f"{machine['processor']}, {machine['cores']} cores, {machine['memoryGiB']} GiB, Linux {machine['kernel']}"
    lines = [
        "",
        f"{where}; {named}.",
        "",
        "| figure | measured | reference | ratio | bar | spread | measured on |",
        "| --- | --- | --- | --- | --- | --- | --- |",
        *(_row(one) for one in results["figures"]),
        "",
    ]
    return "\n".join(lines)


def chunking_table(results: Results) -> str:
    """What was tried, a line each, by corpus and model; titles are `what: where`, remarks the cells."""
    figures = [one for one in results["figures"] if one["id"].startswith(CHUNKING)]
    if not figures:
        return "\nNothing was measured yet: `python -m bench chunking`.\n"
    cells: dict[str, dict[str, str]] = {}
    for one in figures:
        what, _, where = one["title"].partition(": ")
        cells.setdefault(what, {})[where] = one["remark"].replace("; ", "<br>")
    columns = sorted(
        {where for row in cells.values() for where in row}, key=lambda one: one.lower().rpartition(", ")[::-1]
    )
    lines = [
        "; ".join(dict.fromkeys(f"{one['date']}, {one['commit']}" for one in figures)) + ".",
        "",
        f"| tried | {' | '.join(columns)} |",
        "| --- |" + " --- |" * len(columns),
        *(f"| {what} | {' | '.join(row.get(where, '') for where in columns)} |" for what, row in cells.items()),
    ]
    return "\n".join(("", *lines, ""))


def _row(figure: Mapping[str, Any]) -> str:
    ratio = "" if figure["ratio"] is None else f"**{figure['ratio']:g}**"
    bar = figure["bar"] or ""
    if figure["met"] is False:
        bar += " (missed)"
    if bar and figure["ratio"] is not None and figure["met"] is None:
        bar += " (unsteady: no verdict)"
    cells = [
        " ".join(filter(None, (figure.get("goal"), figure["title"])))
        + (f"<br>{figure['remark']}" if figure["remark"] else ""),
        _shown(figure["measured"]),
        _shown(figure["reference"]) if figure["reference"] else "",
        ratio,
        bar,
        f"± {100 * figure['spread']:.0f} %",
        f"{figure['corpus']}, {figure['date']}, {figure['commit']}, {figure['rounds']} rounds"
        + (", **busy machine**" if figure["busy"] else ""),
    ]
    return "| " + " | ".join(cells) + " |"


def _shown(side: Mapping[str, Any]) -> str:
    return f"{number(side['median'])} {side['unit']}<br>{side['name']}"


def number(value: float) -> str:
    """With thousands separators above 1,000, with three digits below."""
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"
