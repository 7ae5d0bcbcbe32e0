"""Plots, drawn into docs/figures by `python -m bench --docs`: how far each measured ratio lies from its bar, and what
rankings are worth.
"""

import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.machine import ROOT

FOLDER = ROOT / "docs" / "figures"
MET, MISSED, BAR = "#0a7c66", "#c2410c", "#5b6472"
ROW_INCHES, WIDTH_INCHES = 0.34, 9.0
RANKINGS = "nDCG@10 by "  # what titles of figures that compare rankings begin with
MARKERS = "osD^vP"
RATIO_MIN, RATIO_MAX = 0.05, 20.0  # of a ratio by its bar; what is farther away is drawn at the edge

Figure = Mapping[str, Any]


def write_plots(results: Mapping[str, Any], folder: Path = FOLDER) -> list[Path]:
    """Writes bars.svg with a line for each figure that has a bar, and rankings.svg with one for each set and model; the
    files written, without one of which no figure tells.
    """
    judged = [figure for figure in results["figures"] if figure["bar"] and figure["ratio"]]
    ranked = [figure for figure in results["figures"] if figure["title"].startswith(RANKINGS)]
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for figures, name, draw in ((judged, "bars.svg", _draw_bars), (ranked, "rankings.svg", _draw_rankings)):
        if figures:
            draw(figures, folder / name)
            files.append(folder / name)
    return files


def by_bar(figure: Figure) -> tuple[float, list[float]]:
    """The ratio by its bar, and that of each round: above 1 is better than the bar, whichever way it points."""
    direction, value = figure["bar"].split()[:2]
    measured, reference = figure["measured"]["values"], figure["reference"]["values"]
    rounds = [a / b / float(value) for a, b in zip(measured, reference, strict=True)]
    if direction == "≤":
        rounds = [1 / one for one in rounds]
    return statistics.median(rounds), rounds


def rankings_of(figures: Sequence[Figure]) -> dict[str, dict[str, float]]:
    """nDCG@10 by ranking, by set and model: {"sample, wordllama": {"both legs, as served": .854, …}}."""
    found: dict[str, dict[str, float]] = {}
    for figure in figures:
        where = figure["title"].rpartition(": ")[2]
        for side in (figure["measured"], figure["reference"]):
            found.setdefault(where, {})[side["name"].partition(", the better")[0]] = side["median"]
    return found


def _draw_rankings(figures: Sequence[Figure], file: Path) -> None:
    pyplot = _pyplot()
    rankings = rankings_of(figures)
    names = list(dict.fromkeys(name for values in rankings.values() for name in values))
    drawn, axes = pyplot.subplots(figsize=(WIDTH_INCHES, 1.4 + ROW_INCHES * len(rankings)), layout="constrained")
    for number, name in enumerate(names):
        points = [(values[name], place) for place, values in enumerate(rankings.values()) if name in values]
        color, size = (MET, 9) if number == 0 else (BAR, 5)
        axes.plot(*zip(*points, strict=True), MARKERS[number % len(MARKERS)], color=color, markersize=size, label=name,
                  fillstyle="full" if number == 0 else "none")  # fmt: skip
    axes.invert_yaxis()
    axes.set_yticks(range(len(rankings)), list(rankings), fontsize=8)
    axes.set_xlabel("nDCG@10")
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.25), ncols=3, fontsize=8, frameon=False)
    _save(drawn, axes, file)


def _pyplot() -> Any:
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "clockifyrag"  # the same figures give the same file
    from matplotlib import pyplot

    return pyplot


def _save(drawn: Any, axes: Any, file: Path) -> None:
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.grid(axis="y", color="#e5e7eb", linewidth=0.6)
    drawn.savefig(file, metadata={"Date": None})
    _pyplot().close(drawn)


def _draw_bars(figures: Sequence[Figure], file: Path) -> None:
    pyplot = _pyplot()
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
    _save(drawn, axes, file)


def _within(ratio: float) -> float:
    return min(max(ratio, RATIO_MIN), RATIO_MAX)
