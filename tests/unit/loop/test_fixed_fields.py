"""An object that no apply can change is made anew, and no server can have it come and go for ever."""

from __future__ import annotations

import copy
import json
import time
from typing import Any

import pytest
from aiohttp import web
from tests.unit.loop.served import beside

from clockifyrag_operator import names
from clockifyrag_operator.cache import Cache
from clockifyrag_operator.carrying import Pass
from clockifyrag_operator.client import Client
from clockifyrag_operator.credentials import Access
from clockifyrag_operator.decision import Plan
from clockifyrag_operator.memory import Memory
from clockifyrag_operator.metrics import Metrics
from clockifyrag_operator.observed import Manifest, Wanted

NAME = names.search("help")
ABOUT: Manifest = {"apiVersion": "clockifyrag.io/v1beta1", "kind": "ClockifyRAG"}
RESOURCE: Manifest = {**ABOUT, "metadata": {"name": "help", "namespace": "team", "uid": "u", "resourceVersion": "1"}}
WANTED = Wanted("team", "help", "u", 1, {}, None)
REFUSAL = "spec.selector: Invalid value: {…}: field is immutable"


def deployment(**selector: str) -> Manifest:
    labels = names.selector("help", names.SEARCH)
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {
            "name": NAME,
            "namespace": "team",
            "labels": names.labels("help", names.SEARCH),
            "ownerReferences": [names.owner_reference("help", "u")],
        },
        "spec": {
            "selector": {"matchLabels": {**labels, **selector}},
            "template": {"metadata": {"labels": {**labels, **selector}}, "spec": {}},
        },
    }


def service(**spec: str) -> Manifest:
    metadata = {**deployment()["metadata"], "name": names.ollama("help")}
    return {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec}


class Stubborn:
    """A server that makes an object otherwise than it was asked to, by a webhook say, and refuses every change of it.

    made: that object; unless told, a Deployment with one label more to select by.
    """

    def __init__(self, made: Manifest | None = None) -> None:
        self.made = made or deployment(tier="x")
        self.version = 10
        self.live: Manifest | None = None
        self.deleted: list[str] = []  # how its pods were dealt with
        self.make()

    def make(self) -> Manifest:
        self.version += 1
        self.live = copy.deepcopy(self.made)
        self.live["metadata"] |= {"uid": f"d{self.version}", "resourceVersion": str(self.version)}
        return self.live

    async def answer(self, request: web.Request) -> web.Response:
        if request.method == "GET":
            return web.json_response(self.live)
        if request.method == "DELETE":
            self.deleted.append(json.loads(await request.text())["propagationPolicy"])
            self.live = None
            return web.json_response({"kind": "Status", "status": "Success"})
        if self.live is None:
            return web.json_response(self.make(), status=201)
        return web.json_response({"kind": "Status", "reason": "Invalid", "message": REFUSAL}, status=422)


def passes(
    server: Stubborn, number: int, memory: Memory | None = None, wanted: Manifest | None = None
) -> list[dict[tuple[str, str], str]]:
    """What was refused in each of so many passes; after each the object's controller writes something to it."""
    memory = memory or Memory(Metrics())

    async def carried_out(host: str, port: int) -> list[dict[tuple[str, str], str]]:
        options: dict[str, Any] = {"request_seconds": 5.0, "writes_per_second": 1000.0, "may_write": lambda: True}
        client = Client(Access(f"http://{host}:{port}", token_text="secret"), Metrics(), **options)
        cache, refused = Cache(), []
        cache.put(RESOURCE)
        try:
            for _ in range(number):
                if server.live is not None:
                    server.version += 1
                    server.live["metadata"] |= {"resourceVersion": str(server.version)}
                    server.live["metadata"]["annotations"] = {"revision": str(server.version)}
                    cache.put(copy.deepcopy(server.live))
                one = Pass(client, cache, memory, WANTED)
                await one.carry_out(Plan(ledger=None, apply=(wanted or deployment(),)))
                refused.append(one.refusals.words)
        finally:
            await client.close()
        return refused

    return beside(server.answer, carried_out)


class Late(Stubborn):
    """A server that holds something else under the name by now, which no event told of, and refuses the same change."""

    def __init__(self, held: Manifest | None) -> None:
        super().__init__()
        self.held = held

    async def answer(self, request: web.Request) -> web.Response:
        if request.method != "GET":
            return await super().answer(request)
        if self.held is None:
            return web.json_response({"kind": "Status", "reason": "NotFound", "message": "not found"}, status=404)
        return web.json_response(self.held)


def of_uid(uid: str, **metadata: Any) -> Manifest:
    """A Deployment of the name, with other fixed fields than wanted."""
    made = deployment(tier="x")
    made["metadata"] |= {"uid": uid, "resourceVersion": "99", **metadata}
    return made


THEIRS = {("Deployment", NAME): f"Deployment {NAME} is there and belongs to somebody else"}


@pytest.mark.parametrize(
    ("held", "told"),
    [
        pytest.param(of_uid("theirs", ownerReferences=[], labels={}), THEIRS, id="somebody else's"),
        pytest.param(of_uid("newer"), {}, id="a newer one of ours"),
        pytest.param(None, {}, id="nothing"),
    ],
)
def test_what_took_the_place_of_the_object_behind_a_late_watch_is_not_deleted(
    held: Manifest | None, told: dict[tuple[str, str], str]
) -> None:
    server = Late(held)

    refused = passes(server, 1)

    assert [] == server.deleted
    assert [told] == refused


REMEDY = f"it cannot be changed: delete Deployment {NAME}, and it is made again"
TOLD = {("Deployment", NAME): f"the API server refused Deployment {NAME}: {REFUSAL}; {REMEDY}"}


def test_an_object_that_is_refused_again_right_after_it_was_made_anew_is_told_and_left() -> None:
    server = Stubborn()

    refused = passes(server, 6)

    assert ["Orphan"] == server.deleted, "its pods bear all labels that are wanted: they stay"
    assert [{}, {}, TOLD, TOLD, TOLD, TOLD] == refused


def test_an_object_whose_making_anew_did_not_help_is_not_made_anew_again_however_long_it_stays(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server, memory, clock = Stubborn(), Memory(Metrics()), time.monotonic
    passes(server, 3, memory)
    monkeypatch.setattr(time, "monotonic", lambda: clock() + 30 * 24 * 3600)

    refused = passes(server, 3, memory)

    assert ["Orphan"] == server.deleted
    assert [TOLD, TOLD, TOLD] == refused


@pytest.mark.parametrize(
    ("wanted", "made", "has"),
    [
        pytest.param("None", "10.0.0.1", "an address and is to have none", id="headless"),
        pytest.param("", "None", "no address and is to have one", id="with an address"),
    ],
)
def test_a_service_that_is_made_with_an_address_or_without_is_told_in_words_of_our_own(
    wanted: str, made: str, has: str
) -> None:
    server = Stubborn(service(clusterIP=made))

    refused = passes(server, 3, wanted=service(clusterIP=wanted))

    name = names.ollama("help")
    told = f"Service {name} has {has}; it cannot be changed: delete Service {name}, and it is made again"
    assert [{}, {}, {("Service", name): told}] == refused
