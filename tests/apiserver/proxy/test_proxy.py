"""Each fault of the proxy, seen by a client of a real API server."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from queue import Empty, Queue
from typing import Any

import httpx
import pytest
from tests.apiserver.controlplane import Api, ControlPlane, User
from tests.apiserver.proxy import (
    Coalesce,
    Cut,
    Drop,
    FaultProxy,
    Freeze,
    Kill,
    Meanwhile,
    Refuse,
    Slow,
    Stale,
    is_list,
    is_watch,
    of,
)  # fmt: skip
from tests.waiting import wait_until

SECONDS = 10.0


@pytest.fixture
def proxy(control_plane: ControlPlane) -> Iterator[FaultProxy]:
    """Before the control plane, as its administrator."""
    admin = control_plane.admin.user
    with FaultProxy(admin.server, admin.authority_file.read_text(), admin.certificate) as running:
        yield running


@pytest.fixture
def api(proxy: FaultProxy, control_plane: ControlPlane) -> Iterator[Api]:
    """A client that knows the proxy alone."""
    authority = control_plane.folder / f"proxy-{proxy.url.rpartition(':')[2]}.crt"
    authority.write_text(proxy.ca)
    api = Api(User("admin", proxy.url, authority, authority.with_suffix(".kubeconfig")))
    yield api
    api.close()


def config_maps(namespace: str) -> str:
    return f"/api/v1/namespaces/{namespace}/configmaps"


def config_map(name: str, **data: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


class Watching:
    """A watch of the config maps of a namespace, in a thread."""

    def __init__(self, api: Api, namespace: str) -> None:
        self.lines: Queue[dict[str, Any]] = Queue()
        self.ended = threading.Event()
        version = api.get(config_maps(namespace))["metadata"]["resourceVersion"]
        query = {"watch": "true", "resourceVersion": version}
        self._thread = threading.Thread(target=self._run, args=(api, config_maps(namespace), query), daemon=True)
        self._thread.start()

    def _run(self, api: Api, path: str, query: dict[str, str]) -> None:
        try:
            with api.client.stream("GET", path, params=query, timeout=None) as answer:
                for line in answer.iter_lines():
                    self.lines.put(json.loads(line))
        except httpx.TransportError:
            pass  # it was cut
        self.ended.set()

    def next(self, seconds: float = SECONDS) -> tuple[str, str, str]:
        """Type, name and value `v` of the next event."""
        event = self.lines.get(timeout=seconds)
        live = event["object"]
        return event["type"], live["metadata"]["name"], (live.get("data") or {}).get("v", "")


@contextmanager
def watching(proxy: FaultProxy, api: Api, namespace: str) -> Iterator[Watching]:
    """A watch that is open; closed on leaving."""
    watch = Watching(api, namespace)
    wait_until(lambda: proxy.open_watches(of("configmaps", "watch")), SECONDS, "the watch is open")
    yield watch
    proxy.cut_watches()
    assert watch.ended.wait(SECONDS)


def test_calls_pass_unchanged_and_writes_are_numbered(proxy: FaultProxy, api: Api, namespace: str) -> None:
    made = api.post(config_maps(namespace), config_map("a", v="1"))
    api.apply(f"{config_maps(namespace)}/b", config_map("b", v="1"))
    api.delete(f"{config_maps(namespace)}/a")
    missing = api.request("GET", f"{config_maps(namespace)}/a")

    assert ("1", 404) == (made["data"]["v"], missing.status_code)
    assert [(1, f"create configmaps {namespace}/a"), (2, f"apply configmaps {namespace}/b"),
            (3, f"delete configmaps {namespace}/a")] == [(one.write, str(one)) for one in proxy.writes]  # fmt: skip
    assert [201, 201, 200, 404] == [one.status for one in proxy.exchanges]


def test_leases_and_events_are_no_writes_that_count(proxy: FaultProxy, api: Api, namespace: str) -> None:
    path = f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases"

    api.post(path, {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": "a"}})

    assert [] == proxy.writes
    assert 1 == len(proxy.calls)


@pytest.mark.parametrize("status", [409, 410, 429, 500])
def test_a_call_is_refused_as_often_as_asked_and_never_reaches_the_server(
    proxy: FaultProxy, api: Api, namespace: str, status: int
) -> None:
    proxy.make(Refuse(of("configmaps", "create"), times=1, status=status, retry_after_seconds=3))

    refused = api.request("POST", config_maps(namespace), config_map("a"))
    absent = api.request("GET", f"{config_maps(namespace)}/a")
    made = api.request("POST", config_maps(namespace), config_map("a"))

    assert [status, 404, 201] == [refused.status_code, absent.status_code, made.status_code]
    assert ("3", status) == (refused.headers["retry-after"], refused.json()["code"])


@pytest.mark.parametrize("answered", [False, True])
def test_after_a_write_the_client_is_killed_and_nothing_of_it_passes_any_more(
    proxy: FaultProxy, api: Api, namespace: str, answered: bool
) -> None:
    killed: list[int] = []
    proxy.make(Kill(write=2, kill=lambda: killed.append(len(proxy.writes)), answered=answered))
    api.post(config_maps(namespace), config_map("a"))

    outcomes = [attempted(api, namespace, name) for name in ("b", "c")]
    proxy.revive()

    assert [201 if answered else None, None] == outcomes
    assert [2] == killed
    assert {"a", "b"} == {one["metadata"]["name"] for one in api.get(config_maps(namespace))["items"]}


def test_something_happens_between_a_write_and_its_answer(
    proxy: FaultProxy, api: Api, control_plane: ControlPlane, namespace: str
) -> None:
    path = f"{config_maps(namespace)}/a"
    proxy.make(Meanwhile(write=1, act=lambda: control_plane.admin.patch(path, {"data": {"v": "2"}})))

    answered = api.post(config_maps(namespace), config_map("a", v="1"))

    assert ("1", "2") == (answered["data"]["v"], api.get(path)["data"]["v"])


def attempted(api: Api, namespace: str, name: str) -> int | None:
    """The status of a create, None when the connection broke."""
    try:
        return api.request("POST", config_maps(namespace), config_map(name)).status_code
    except httpx.TransportError:
        return None


@pytest.mark.parametrize(("when", "status"), [("before", 404), ("after", 200)])
def test_a_connection_is_cut_before_or_after_the_server_acts(
    proxy: FaultProxy, api: Api, namespace: str, when: Any, status: int
) -> None:
    proxy.make(Cut(of("configmaps", "create"), when=when))

    assert attempted(api, namespace, "a") is None
    assert status == api.request("GET", f"{config_maps(namespace)}/a").status_code


def test_a_slow_call_waits_and_a_frozen_one_never_ends(proxy: FaultProxy, api: Api, namespace: str) -> None:
    proxy.make(Slow(is_list, seconds=0.3), Freeze(of("configmaps", "create")))

    slow = api.request("GET", config_maps(namespace))
    with pytest.raises(httpx.ReadTimeout):
        api.client.post(config_maps(namespace), json=config_map("a"), timeout=0.3)

    assert slow.elapsed.total_seconds() >= 0.3
    assert 404 == api.request("GET", f"{config_maps(namespace)}/a").status_code


def test_an_event_is_dropped_and_later_ones_are_told(proxy: FaultProxy, api: Api, namespace: str) -> None:
    with watching(proxy, api, namespace) as watch:
        proxy.make(Drop(event=1))
        api.post(config_maps(namespace), config_map("a", v="1"))
        api.post(config_maps(namespace), config_map("b", v="1"))

        told = watch.next()

    assert ("ADDED", "b", "1") == told
    assert [("ADDED", "a"), ("ADDED", "b")] == [(one.type, one.name) for one in proxy.events]


def test_an_event_is_held_back_until_the_next_of_its_object_takes_its_place(
    proxy: FaultProxy, api: Api, namespace: str
) -> None:
    with watching(proxy, api, namespace) as watch:
        proxy.make(Coalesce(event=1))
        api.post(config_maps(namespace), config_map("a", v="1"))
        api.post(config_maps(namespace), config_map("b", v="1"))
        api.patch(f"{config_maps(namespace)}/a", {"data": {"v": "2"}})

        told = [watch.next(), watch.next()]

    assert [("ADDED", "b", "1"), ("ADDED", "a", "2")] == told


def test_stale_lists_are_as_they_were_and_watches_silent_until_it_is_healed(
    proxy: FaultProxy, api: Api, namespace: str
) -> None:
    with watching(proxy, api, namespace) as watch:
        moment = proxy.remember()
        api.post(config_maps(namespace), config_map("a", v="1"))
        assert ("ADDED", "a", "1") == watch.next()
        proxy.make(Stale(moment))
        api.post(config_maps(namespace), config_map("b", v="1"))

        stale = api.get(config_maps(namespace), limit=500)
        current = api.request("GET", f"{config_maps(namespace)}/b")
        with pytest.raises(Empty):
            watch.next(0.2)
        proxy.heal()
        healed = api.get(config_maps(namespace))

        assert ("ADDED", "b", "1") == watch.next()
    assert [0, 2] == [len(answer["items"]) for answer in (stale, healed)]
    assert 200 == current.status_code


def test_a_watch_is_frozen_without_being_closed_while_new_ones_live(
    proxy: FaultProxy, api: Api, namespace: str
) -> None:
    with watching(proxy, api, namespace) as watch:
        frozen = proxy.freeze_watches()
        api.post(config_maps(namespace), config_map("a"))

        with pytest.raises(Empty):
            watch.next(0.2)
        assert (1, False) == (frozen, watch.ended.is_set())


def test_a_watch_is_expired_or_cut(proxy: FaultProxy, api: Api, namespace: str) -> None:
    with watching(proxy, api, namespace) as watch:
        proxy.expire_watches(is_watch)

        event = watch.lines.get(timeout=SECONDS)

    assert ("ERROR", 410) == (event["type"], event["object"]["code"])


def test_while_the_server_is_away_the_proxy_breaks_connections(
    proxy: FaultProxy, api: Api, control_plane: ControlPlane, namespace: str
) -> None:
    with watching(proxy, api, namespace) as watch:
        control_plane.stop_api()
        try:
            assert watch.ended.wait(SECONDS)
            assert attempted(api, namespace, "a") is None
        finally:
            control_plane.start_api()

    assert 201 == attempted(api, namespace, "a")
