"""Comparison: two sides measured in the same rounds, their medians, the ratio and how far the rounds lie apart."""

import statistics
from dataclasses import dataclass
from typing import Any, Literal

SPREAD_MAX = 0.15  # of a round's ratio from the median: above it a figure says nothing


@dataclass(frozen=True, slots=True)
class Bar:
    """What a ratio should reach, and what would be better still."""

    direction: Literal["≥", "≤"]
    value: float
    stretch: float | None = None

    def met_by(self, ratio: float) -> bool:
        return ratio >= self.value if self.direction == "≥" else ratio <= self.value

    def text(self) -> str:
        """`≥ 0.63 → 0.9`."""
        return f"{self.direction} {self.value:g}" + ("" if self.stretch is None else f" → {self.stretch:g}")


@dataclass(frozen=True, slots=True)
class Side:
    """What one side gave in each round."""

    name: str
    unit: str
    values: tuple[float, ...]

    @property
    def median(self) -> float:
        return statistics.median(self.values)


@dataclass(frozen=True, slots=True)
class Comparison:
    """One line of the table. Without a reference the figure is absolute and belongs to its machine."""

    id: str
    title: str
    measured: Side
    reference: Side | None = None
    bar: Bar | None = None
    remark: str = ""
    goal: str = ""  # the number of the bar, as in "G8"

    @property
    def ratio(self) -> float | None:
        """Median of what is measured by the median of its reference."""
        return None if self.reference is None else self.measured.median / self.reference.median

    @property
    def spread(self) -> float:
        """The farthest a round lies from the median, as a part of it: of the rounds' ratios where there are two sides.

        0 where all rounds are equal.
        """
        rounds = self.measured.values
        if self.reference is not None:
            rounds = tuple(a / b for a, b in zip(rounds, self.reference.values, strict=True))
        middle = statistics.median(rounds)
        return max(abs(one - middle) for one in rounds) / middle if middle else 0.0

    @property
    def steady(self) -> bool:
        return self.spread <= SPREAD_MAX

    def record(self) -> dict[str, Any]:
        """As it stands in results.json."""
        return {
            "id": self.id,
            "goal": self.goal,
            "title": self.title,
            "measured": _side_record(self.measured),
            "reference": None if self.reference is None else _side_record(self.reference),
            "ratio": None if self.ratio is None else _rounded(self.ratio),
            "spread": _rounded(self.spread),
            "bar": None if self.bar is None else self.bar.text(),
            "met": None if self.bar is None or self.ratio is None else self.bar.met_by(self.ratio),
            "remark": self.remark,
        }


def _side_record(side: Side) -> dict[str, Any]:
    values = [_rounded(value) for value in side.values]
    return {"name": side.name, "unit": side.unit, "median": _rounded(side.median), "values": values}


def _rounded(value: float) -> float:
    """Four significant digits: more would be noise."""
    return float(f"{value:.4g}")
