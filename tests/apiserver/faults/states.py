"""End states: all objects of a namespace as flat values, without what no two runs have in common.

A mask is learned from two runs without a fault: what differs between them is ignored in all others.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from tests.apiserver.controllers import Container
from tests.apiserver.controllers.api import KINDS, path
from tests.apiserver.controlplane import Api

State = dict[str, Any]  # "Kind/name/path/to/field" → value
_MADE_BY_OTHERS = {"ReplicaSet", "Pod"}  # under names that the controllers choose
_NEVER = re.compile(r"metadata/(uid|resourceVersion|creationTimestamp|generation|managedFields)\b|^Secret/[^/]+/data/")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
_UID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_TEXTS_OF_JSON = ("ledger.json", "clockifyrag.io/order")


def state_of(api: Api, namespace: str) -> State:
    """All of the namespace now: times, uids and its name blanked; pods by what they run."""
    live = list(objects(api, namespace))
    named = {one["metadata"]["uid"]: f"{one['kind']}/{one['metadata']['name']}" for one in live}
    state: State = {}
    for one in live:
        if one["kind"] not in _MADE_BY_OTHERS:
            whole = {name: value for name, value in one.items() if name not in ("apiVersion", "kind")}
            state |= dict(_flat(f"{one['kind']}/{one['metadata']['name']}", whole))
    state["Pods"] = sorted(_runs(one) for one in live if one["kind"] == "Pod" and one["status"]["phase"] == "Running")
    # A list's entry is known by its name, which may hold that of the namespace.
    blanked = {key.replace(namespace, "NAMESPACE"): _blanked(one, namespace, named) for key, one in state.items()}
    return {key: value for key, value in blanked.items() if not _NEVER.search(key)}


def objects(api: Api, namespace: str) -> Iterator[dict[str, Any]]:
    """Every object of the kinds that matter, but for what each namespace has by itself."""
    for kind in KINDS:
        answer = api.request("GET", path(kind, namespace))
        for one in answer.json().get("items") or () if answer.status_code == 200 else ():
            if one["metadata"]["name"] not in ("default", "kube-root-ca.crt", "clockifyrag-operator"):
                yield {**one, "kind": kind}


def mask(first: State, second: State) -> frozenset[str]:
    """The keys whose values two clean runs do not share."""
    return frozenset(key for key in first.keys() | second.keys() if first.get(key) != second.get(key))


def difference(expected: State, found: State, ignored: frozenset[str]) -> dict[str, tuple[Any, Any]]:
    """What differs, as expected and found."""
    keys = (expected.keys() | found.keys()) - ignored
    return {key: (expected.get(key), found.get(key)) for key in sorted(keys) if expected.get(key) != found.get(key)}


def _flat(at: str, value: Any) -> Iterator[tuple[str, Any]]:
    name = at.rpartition("/")[2]
    if isinstance(value, str) and any(at.endswith(text) for text in _TEXTS_OF_JSON):
        value = json.loads(value)
    if isinstance(value, Mapping):
        for key, one in value.items():
            yield from _flat(f"{at}/{key}", one)
    elif isinstance(value, list) and name not in ("recorded",):
        for place, one in enumerate(value):
            yield from _flat(f"{at}/{_key(one, place)}", one)
    else:
        yield at, value


def _runs(pod: Mapping[str, Any]) -> str:
    """What a pod runs, in a line."""
    seen = Container(dict(pod))
    return " ".join([seen.component, *seen.images, seen.variable("GENERATION")])


def _key(one: Any, place: int) -> str:
    """What stands for a place of a list: type or name where entries have one."""
    named = (one.get("type") or one.get("name")) if isinstance(one, Mapping) else None
    return str(named or place)


def _blanked(value: Any, namespace: str, named: Mapping[str, str]) -> Any:
    if isinstance(value, list):
        return [_blanked(one, namespace, named) for one in value]
    if not isinstance(value, str):
        return value
    text = _UID.sub(lambda found: named.get(found[0], "gone"), value.replace(namespace, "NAMESPACE"))
    return _TIME.sub("TIME", text)
