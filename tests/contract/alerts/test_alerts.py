"""Every alert, of the chart and of a resource, in the words of Prometheus: it fires, it does not, it is over again."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import charts
import pytest
from drawn import drawn
from tests.contract.alerts.case import Case, Rule, beside, problems
from tests.contract.alerts.of_operator import OPERATOR_CASES, OPERATOR_MOVES
from tests.contract.alerts.of_resource import DEADLINE_SECONDS, RESOURCE_CASES, RESOURCE_MOVES

from clockifyrag_operator.leading import SILENT_TIMES
from clockifyrag_operator.settings import Settings

pytestmark = pytest.mark.programs
ALL_CASES = OPERATOR_CASES | RESOURCE_CASES
WITH_NEIGHBOURS = {
    alert: [*cases, *beside(cases, moves)]
    for told, moves in ((OPERATOR_CASES, OPERATOR_MOVES), (RESOURCE_CASES, RESOURCE_MOVES))
    for alert, cases in told.items()
}

Rules = dict[str, Rule]


@pytest.fixture(scope="module")
def rules(tmp_path_factory: pytest.TempPathFactory) -> Rules:
    """Rules by the name of their alert: as Helm renders them, and as the operator makes them."""
    rendered = charts.named(charts.rendered(tmp_path_factory.mktemp("chart"), {}), "PrometheusRule")
    made = drawn({"build": {"deadlineSeconds": DEADLINE_SECONDS}})["PrometheusRule", "help-search"]
    return {
        rule["alert"]: rule
        for one in (*rendered.values(), made)
        for group in one["spec"]["groups"]
        for rule in group["rules"]
    }


def test_every_alert_has_cases_and_every_case_an_alert(rules: Rules) -> None:
    assert sorted(rules) == sorted(ALL_CASES)


@pytest.mark.parametrize("given", [{}, {"operator": {"settings": {"inactivitySeconds": 700}}}])
def test_silent_watches_are_told_after_they_were_opened_again_and_before_all_is_listed_anew(
    given: Mapping[str, Any], tmp_path: Path
) -> None:
    seconds = given["operator"]["settings"]["inactivitySeconds"] if given else Settings().inactivity_seconds

    (made,) = charts.named(charts.rendered(tmp_path, given), "PrometheusRule").values()

    (rule,) = [one for one in made["spec"]["groups"][0]["rules"] if one["alert"] == "ClockifyRAGOperatorWatchStale"]
    told = float(re.findall(r"> (\S+)", rule["expr"])[0])
    assert "for" not in rule
    assert seconds < told < SILENT_TIMES * seconds


@pytest.mark.parametrize("alert", ALL_CASES)
def test_the_cases_of_an_alert_have_it_wait_fire_end_and_not_fire(alert: str) -> None:
    cases = ALL_CASES[alert]

    assert any(case.waits for case in cases)
    assert any(case.resets for case in cases)
    assert any(case.is_quiet for case in cases)


@pytest.mark.parametrize("alert", ALL_CASES)
def test_the_alert_fires_as_its_cases_say(alert: str, rules: Rules, tmp_path: Path) -> None:
    told = problems(rules[alert], WITH_NEIGHBOURS[alert], tmp_path)

    assert not told


@pytest.mark.parametrize(
    ("alert", "broken"),
    [
        pytest.param("ClockifyRAGStale", {"for": "1h"}, id="it waits for less than a build may take"),
        pytest.param("ClockifyRAGStale", {"for": "2h"}, id="it waits for too long"),
        pytest.param("ClockifyRAGEmbedderDown", {"expr": "vector(1) > 2"}, id="it never fires"),
        pytest.param("ClockifyRAGEmbedderDown", {"expr": "vector(1)"}, id="it always fires"),
        pytest.param("ClockifyRAGOperatorBehind", {"labels": {"severity": "none"}}, id="nobody is woken"),
    ],
)
def test_a_rule_that_is_broken_is_found_out(
    alert: str, broken: dict[str, object], rules: Rules, tmp_path: Path
) -> None:
    told = problems(rules[alert], ALL_CASES[alert], tmp_path, instead=rules[alert] | broken)

    assert alert in told


def test_a_case_without_a_moment_says_nothing() -> None:
    nothing = Case("nothing is looked at", {})

    assert (False, False, False) == (nothing.waits, nothing.resets, nothing.is_quiet)
