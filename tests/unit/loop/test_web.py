"""/livez, /readyz and /metrics over HTTP, and the metrics themselves."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import pytest

from clockifyrag_operator import web
from clockifyrag_operator.metrics import BUILD_RESULTS, RESULTS, Metrics

NAMES = {
    "clockifyrag_reconcile_seconds",
    "clockifyrag_queue_depth",
    "clockifyrag_builds",
    "clockifyrag_condition",
    "clockifyrag_condition_reason",
    "clockifyrag_last_success_timestamp_seconds",
    "clockifyrag_watch_last_event_timestamp_seconds",
    "clockifyrag_leader",
}
RESOURCE: dict[str, Any] = {
    "metadata": {"namespace": "team", "name": "help"},
    "status": {"conditions": [{"type": "Ready", "status": "False", "reason": "RollingOut"}]},
}


def served(problem: Callable[[], str | None], deed: Callable[[aiohttp.ClientSession, str], Awaitable[None]]) -> None:
    async def run() -> None:
        metrics = Metrics()
        metrics.tell_conditions(lambda: iter([RESOURCE]))
        runner = await web.serve("127.0.0.1", 0, problem, metrics)
        async with aiohttp.ClientSession() as session:
            await deed(session, f"http://{web.address_of(runner)}")
        await runner.cleanup()

    asyncio.run(run())


@pytest.mark.parametrize(("wrong", "status"), [(None, 200), ("a pass has been running for 900 s", 500)])
def test_a_process_that_only_a_restart_mends_says_so_and_stays_ready(wrong: str | None, status: int) -> None:
    async def ask(session: aiohttp.ClientSession, url: str) -> None:
        alive, ready = await session.get(f"{url}/livez"), await session.get(f"{url}/readyz")

        assert (status, 200) == (alive.status, ready.status)
        assert (wrong or "ok") in await alive.text()

    served(lambda: wrong, ask)


def test_metrics_bear_the_names_dashboards_and_alerts_go_by() -> None:
    async def ask(session: aiohttp.ClientSession, url: str) -> None:
        text = await (await session.get(f"{url}/metrics")).text()

        told = {line.split()[2].removesuffix("_total") for line in text.splitlines() if line.startswith("# TYPE")}
        assert set() == NAMES - told
        told_ready = 'clockifyrag_condition{resource="help",resource_namespace="team",status="%s",type="Ready"} %s'
        for condition, value in (("True", "0.0"), ("False", "1.0"), ("Unknown", "0.0")):
            assert told_ready % (condition, value) in text
        whose = 'resource="help",resource_namespace="team",type="Ready"'
        assert f'clockifyrag_condition_reason{{reason="RollingOut",{whose}}} 1.0' in text

    served(lambda: None, ask)


def test_labels_come_from_fixed_sets_that_are_told_from_the_start() -> None:
    text = Metrics().exposition().decode()

    for result in RESULTS:
        assert f'clockifyrag_reconcile_seconds_count{{result="{result}"}} 0.0' in text
    for result in BUILD_RESULTS:
        assert f'clockifyrag_builds_total{{result="{result}"}} 0.0' in text


def test_the_queue_is_told_as_it_is_when_metrics_are_asked_for() -> None:
    metrics = Metrics()
    waiting = ["help"]
    metrics.tell_queue(lambda: len(waiting))

    waiting += ["docs", "team"]  # and no worker is free to take one

    assert "clockifyrag_queue_depth 3.0" in metrics.exposition().decode()


def test_the_lag_of_the_loop_is_the_worst_of_the_last_seconds() -> None:
    metrics = Metrics()
    lag = web.Lag()

    lag.ticked_at -= 2.0
    lag.tick(metrics)
    late = lag.worst
    lag.since -= web.LAG_WINDOW_SECONDS + 1
    lag.tick(metrics)

    assert late >= 2.0 - web.TICK_SECONDS
    assert 0.0 == lag.worst
