"""Comparison: two sides measured in the same rounds, their medians, the ratio and how far the rounds lie apart."""

import statistics
from dataclasses import dataclass
from typing import Any, Literal

SPREAD_MAX = 0.15  # above it there is a verdict only where all rounds agree


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
    def rounds(self) -> tuple[float, ...]:
        """The ratio of each round; what was measured where there is no reference."""
        if self.reference is None:
            return self.measured.values
        return tuple(a / b for a, b in zip(self.measured.values, self.reference.values, strict=True))

    @property
    def spread(self) -> float:
        """How far the middle half of the rounds reaches from the median, as a part of it: the farther quartile.

        Of the rounds' ratios where there are two sides; 0 where all rounds are equal. The rounds themselves are kept in
        results.json, the outermost too.
        """
        rounds = self.rounds
        middle = statistics.median(rounds)
        if not middle or len(rounds) < 2:
            return 0.0
        lower, _, upper = statistics.quantiles(rounds, method="inclusive")
        return max(middle - lower, upper - middle) / middle

    @property
    def steady(self) -> bool:
        return self.spread <= SPREAD_MAX

    @property
    def met(self) -> bool | None:
        """Whether the bar is met; None without one, and where unsteady rounds do not all say the same."""
        if self.bar is None or self.ratio is None:
            return None
        verdicts = {self.bar.met_by(one) for one in self.rounds}
        return verdicts.pop() if len(verdicts) == 1 else self.bar.met_by(self.ratio) if self.steady else None

    @property
    def undecided(self) -> bool:
        """Whether there is a bar and no verdict."""
        return self.bar is not None and self.ratio is not None and self.met is None

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
            "steady": self.steady,
            "met": self.met,
            "remark": self.remark,
        }


def _side_record(side: Side) -> dict[str, Any]:
    values = [_rounded(value) for value in side.values]
    return {"name": side.name, "unit": side.unit, "median": _rounded(side.median), "values": values}


def _rounded(value: float) -> float:
    """Four significant digits: more would be noise."""
    return float(f"{value:.4g}")
