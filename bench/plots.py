"""Plots: how far each measured ratio lies from its bar, drawn into docs/figures by `python -m bench --docs`."""

import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.machine import ROOT

FOLDER = ROOT / "docs" / "figures"
MET, MISSED, BAR = "#0a7c66", "#c2410c", "#5b6472"
ROW_INCHES, WIDTH_INCHES = 0.34, 9.0
RATIO_MIN, RATIO_MAX = 0.05, 20.0  # of a ratio by its bar; what is farther away is drawn at the edge

Figure = Mapping[str, Any]


def write_plots(results: Mapping[str, Any], folder: Path = FOLDER) -> list[Path]:
    """Writes bars.svg with a line for each figure that has a bar; the files written, none where no figure has one."""
    judged = [figure for figure in results["figures"] if figure["bar"] and figure["ratio"]]
    if not judged:
        return []
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "bars.svg"
    _draw(judged, file)
    return [file]


def by_bar(figure: Figure) -> tuple[float, list[float]]:
    """The ratio by its bar, and that of each round: above 1 is better than the bar, whichever way it points."""
    direction, value = figure["bar"].split()[:2]
    measured, reference = figure["measured"]["values"], figure["reference"]["values"]
    rounds = [a / b / float(value) for a, b in zip(measured, reference, strict=True)]
    if direction == "≤":
        rounds = [1 / one for one in rounds]
    return statistics.median(rounds), rounds


def _draw(figures: Sequence[Figure], file: Path) -> None:
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "clockifyrag"  # the same figures give the same file
    from matplotlib import pyplot
    from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

    drawn, axes = pyplot.subplots(figsize=(WIDTH_INCHES, 1.0 + ROW_INCHES * len(figures)), layout="constrained")
    for place, figure in enumerate(reversed(figures)):
        middle, rounds = by_bar(figure)
        color = BAR if figure["met"] is None else MET if figure["met"] else MISSED
        axes.plot([_within(one) for one in rounds], [place] * len(rounds), "o", color=color, alpha=0.35, markersize=4)
        axes.plot(_within(middle), place, "|", color=color, markersize=12, markeredgewidth=2.5)
    axes.axvline(1, color=BAR, linewidth=1)
    axes.set_ylim(-0.8, len(figures) - 0.2)
    axes.set_xscale("log")
    axes.set_xlim(RATIO_MIN, RATIO_MAX)
    axes.xaxis.set_major_locator(FixedLocator([0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20]))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    labels = [f"{figure.get('goal', '')} {figure['title']}".strip() for figure in reversed(figures)]
    axes.set_yticks(
        range(len(figures)), [label if len(label) < 76 else f"{label[:74]}…" for label in labels], fontsize=8
    )
    axes.set_xlabel("by the bar: right of the line it is met; dots are rounds")
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.grid(axis="y", color="#e5e7eb", linewidth=0.6)
    drawn.savefig(file, metadata={"Date": None})
    pyplot.close(drawn)


def _within(ratio: float) -> float:
    return min(max(ratio, RATIO_MIN), RATIO_MAX)
