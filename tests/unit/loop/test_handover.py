"""Handover: events that kopf's thread hands to the operator's loop."""

from __future__ import annotations

import asyncio
import threading

from clockifyrag_operator.observed import Manifest
from clockifyrag_operator.wakes import Handover


def handed_over(names: list[str], broken: str = "") -> list[str]:
    """What was heard of events of these names, all handed over by another thread before the loop looks."""
    heard: list[str] = []

    def hear(_: str | None, manifest: Manifest) -> None:
        name = manifest["metadata"]["name"]
        if name == broken:
            raise ValueError(name)
        heard.append(name)

    async def run() -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda *_: None)
        handover = Handover(loop, hear)
        thread = threading.Thread(target=lambda: [handover("ADDED", {"metadata": {"name": one}}) for one in names])
        thread.start()
        thread.join()
        for _ in names:
            await asyncio.sleep(0)
            await asyncio.sleep(0)

    asyncio.run(run())
    return heard


def test_events_are_heard_in_the_order_they_came() -> None:
    assert ["one", "two", "three"] == handed_over(["one", "two", "three"])


def test_an_event_that_cannot_be_taken_in_holds_up_no_other() -> None:
    assert ["one", "three"] == handed_over(["one", "two", "three"], broken="two")
