"""Cases of an alert: what Prometheus has scraped, minute by minute, and when the alert fires; tried with promtool."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tools.binaries import find

Rule = dict[str, Any]
Series = dict[str, str]  # values by series, one a minute: `1x4` is five times 1, `0+9x4` is 0 9 18 27 36


@dataclass(frozen=True)
class Case:
    """What is `given`, as series, and minutes at which the alert fires or is silent.

    `labels` are those that the alert has from its series; `said` is its description, where that holds a value.
    """

    given: str
    series: Series
    fires: tuple[int, ...] = ()
    silent: tuple[int, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    said: str = ""

    @property
    def is_quiet(self) -> bool:
        """Whether it never fires."""
        return not self.fires and bool(self.silent)

    @property
    def waits(self) -> bool:
        """Whether it is silent first, although it is going to fire."""
        return bool(self.fires and self.silent) and min(self.silent) < min(self.fires)

    @property
    def resets(self) -> bool:
        """Whether it fires and is silent again."""
        return bool(self.fires and self.silent) and max(self.silent) > max(self.fires)


def series(metric: str, values: str, **labels: str) -> Series:
    """One series, by its metric and its labels."""
    selected = ",".join(f'{name}="{value}"' for name, value in labels.items())
    return {f"{metric}{{{selected}}}": values}


def beside(cases: Sequence[Case], moves: Mapping[str, str]) -> list[Case]:
    """Each case again, while something else is in a state of the other sort: that must not matter.

    A move makes series those of something else: `{'job="a"': 'job="b"'}`.
    """
    found = []
    for ours, theirs in ((a, b) for a in cases for b in cases if a.is_quiet != b.is_quiet):
        for here, there in moves.items():
            moved = {name.replace(here, there): values for name, values in theirs.series.items() if here in name}
            if moved:
                given = f"{ours.given}; and with {there}, {theirs.given}"
                silent = {*ours.silent, *(theirs.fires if ours.is_quiet else ())}
                found.append(replace(ours, given=given, series=moved | ours.series, silent=tuple(silent)))
    return found


def problems(rule: Rule, cases: Sequence[Case], folder: Path, *, instead: Rule | None = None) -> str:
    """What promtool has against the cases of a rule, evaluated every minute; empty if nothing.

    instead: the rule that is evaluated in its place.
    """
    (folder / "rules.json").write_text(json.dumps({"groups": [{"name": "one", "rules": [instead or rule]}]}))
    told = {"rule_files": ["rules.json"], "evaluation_interval": "1m", "tests": [tried(rule, case) for case in cases]}
    file = folder / "cases.json"  # JSON is YAML, too, and is written faster
    file.write_text(json.dumps(told, indent=1))
    done = subprocess.run([find("promtool"), "test", "rules", str(file)], capture_output=True, text=True, timeout=60)
    return "" if done.returncode == 0 else done.stdout + done.stderr


def tried(rule: Rule, case: Case) -> Mapping[str, Any]:
    """The case as promtool reads it: https://prometheus.io/docs/prometheus/latest/configuration/unit_testing_rules/"""
    annotations = rule["annotations"] | ({"description": case.said} if case.said else {})
    fired = {"exp_labels": {**case.labels, **rule["labels"]}, "exp_annotations": annotations}
    moments = {minute: [fired] for minute in case.fires} | {minute: [] for minute in case.silent}
    return {
        "name": case.given,
        "interval": "1m",
        "input_series": [{"series": series, "values": values} for series, values in case.series.items()],
        "alert_rule_test": [
            {"alertname": rule["alert"], "eval_time": f"{minute}m", "exp_alerts": expected}
            for minute, expected in sorted(moments.items())
        ],
    }
