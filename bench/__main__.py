"""`python -m bench`: measures, prints a table, writes bench/results.json; `--docs` writes it into docs/performance.md.

Exit codes: 0 measured, 1 a figure failed or was too unsteady for a verdict, 2 usage, 3 the machine is busy.
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench import machine
from bench.comparison import Comparison
from bench.corpus import corpus
from bench.errors import BenchFailed, MachineBusy
from bench.figures import LARGE, NAMED_ONLY, NAMES, figure
from bench.harness import ROUNDS_MIN, Bench
from bench.plots import write_plots
from bench.results import (
    DOCUMENT,
    QUALITY_DOCUMENT,
    merged,
    number,
    of_quality,
    read_results,
    with_chunking,
    with_table,
    write_results,
)

EXIT_FAILED, EXIT_BUSY = 1, 3
SECONDS = 2.0
WIDTH_IN_A_FILE = 160


def main() -> int:
    parser = arguments()
    wanted = parser.parse_args()
    known = (*NAMES, *LARGE, *NAMED_ONLY)
    unknown = [name for name in wanted.figures if name not in known]
    if unknown:
        parser.error(f"no figure {', '.join(unknown)}; expected {', '.join(known)}")
    if wanted.docs:
        for document, quality in ((DOCUMENT, False), (QUALITY_DOCUMENT, True)):
            shown = of_quality(read_results(), wanted=quality)
            document.write_text(with_table(document.read_text(encoding="utf-8"), shown), encoding="utf-8")
        told = with_chunking(QUALITY_DOCUMENT.read_text(encoding="utf-8"), read_results())
        QUALITY_DOCUMENT.write_text(told, encoding="utf-8")
        for written in (DOCUMENT, QUALITY_DOCUMENT, *write_plots(read_results())):
            print(f"{written.relative_to(machine.ROOT)} holds bench/results.json")
        return 0
    load = machine.load_average()
    try:
        if not wanted.busy:
            machine.require_quiet(load)
    except MachineBusy as busy:
        print(f"bench: {busy}", file=sys.stderr)
        return EXIT_BUSY
    folder = machine.ROOT / ".run" / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        bench = Bench(wanted.rounds, wanted.seconds, corpus(), folder, Path(scratch), machine.two_cores())
        return run(bench, wanted.figures or (LARGE if wanted.large else NAMES), load, busy=wanted.busy)


def run(bench: Bench, names: Sequence[str], load: float, *, busy: bool) -> int:
    """Measures the named figures one after the other; what each gives is written before the next begins."""
    print(f"corpus: {bench.corpus.name}; {bench.rounds} rounds; load average {load:.2f}", flush=True)
    code, begin = 0, time.monotonic()
    for name in names:
        print(f"\n{name}", flush=True)
        begun = time.monotonic()
        try:
            found = list(figure(name)(bench))
        except BenchFailed as error:
            print(f"bench: {name}: {error}", file=sys.stderr)
            code = EXIT_FAILED
            continue
        show(found)
        print(f"{name} took {time.monotonic() - begun:.0f} s", flush=True)
        if any(one.undecided for one in found):
            code = EXIT_FAILED
        write(bench, found, busy=busy)
    print(f"\nall took {(time.monotonic() - begin) / 60:.1f} minutes", flush=True)
    return code


def write(bench: Bench, comparisons: Sequence[Comparison], *, busy: bool) -> None:
    """Into results.json, unless there were too few rounds to mean anything."""
    if bench.rounds < ROUNDS_MIN:
        print(f"{bench.rounds} rounds, {ROUNDS_MIN} needed: not written", flush=True)
        return
    facts = {
        "rounds": bench.rounds,
        "corpus": bench.corpus.name,
        "date": datetime.now(UTC).date().isoformat(),
        "commit": machine.commit(),
        "busy": busy,
    }
    write_results(merged(read_results(), machine.description(), machine.versions(), comparisons, facts))


def show(comparisons: Sequence[Comparison]) -> None:
    """A table of what was measured, on a screen."""
    shown = Table(show_lines=True)
    for column in ("figure", "measured", "reference", "ratio", "bar", "spread"):
        shown.add_column(column, justify="right" if column in ("ratio", "spread") else "left")
    for one in comparisons:
        sides = [f"{number(side.median)} {side.unit}\n{side.name}" if side else ""
                 for side in (one.measured, one.reference)]  # fmt: skip
        verdict = "unsteady " if one.undecided else {True: "met ", False: "missed ", None: ""}[one.met]
        spread = f"± {100 * one.spread:.0f} %"
        ratio = "" if one.ratio is None else f"{one.ratio:.3g}"
        title = one.title + (f"\n{one.remark}" if one.remark else "")
        shown.add_row(title, *sides, ratio, verdict + (one.bar.text() if one.bar else ""), spread)
    console = Console()
    Console(width=None if console.is_terminal else WIDTH_IN_A_FILE).print(shown)


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__.split("\n")[0])
    parser.add_argument("figures", nargs="*", metavar="FIGURE", help=f"unset: all of {', '.join(NAMES)}")
    parser.add_argument("--rounds", type=int, default=int(os.environ.get("ROUNDS", ROUNDS_MIN)))
    parser.add_argument("--seconds", type=float, default=SECONDS, help="of load on a server in each round")
    parser.add_argument("--large", action="store_true", help=f"all of {', '.join(LARGE)}")
    parser.add_argument("--busy", action="store_true", help="measure beside other work, and mark the figures")
    parser.add_argument("--docs", action="store_true", help="only write the results into the documents")
    return parser


if __name__ == "__main__":
    sys.exit(main())
