"""Which fields of a live object the operator itself applied, read from its managedFields.

Format of fieldsV1 (sigs.k8s.io/structured-merge-diff, docs "field paths"): f:<name> a field, k:<json> the element of a
list with these key fields, v:<json> the element of a set, i:<n> by position; {} is a leaf, owned whole.
"""

from __future__ import annotations

import json
from typing import Any

from clockifyrag_operator import names
from clockifyrag_operator.observed import Manifest

_NOTHING = object()


def owned_template(live: Manifest, manager: str = names.MANAGER) -> Manifest | None:
    """Those fields of a workload's pod template that `manager` applied; None when it applied none."""
    for entry in live["metadata"].get("managedFields") or ():
        if entry.get("manager") != manager or entry.get("operation") != "Apply" or entry.get("subresource"):
            continue
        fields = entry.get("fieldsV1", {}).get("f:spec", {}).get("f:template")
        if fields is not None:
            template = owned(live["spec"]["template"], fields)
            return template if isinstance(template, dict) else None
    return None


def owned(value: Any, fields: dict[str, Any]) -> Any:
    """The part of `value` that `fields` (fieldsV1) names."""
    if not fields:
        return value
    if isinstance(value, dict):
        return {name[2:]: owned(value[name[2:]], below) for name, below in fields.items() if name[2:] in value}
    if isinstance(value, list):
        return [part for part in (_element(one, at, fields) for at, one in enumerate(value)) if part is not _NOTHING]
    return value


def _element(element: Any, position: int, fields: dict[str, Any]) -> Any:
    for name, below in fields.items():
        how, _, what = name.partition(":")
        if how == "k" and isinstance(element, dict):
            keys = json.loads(what)
            if all(element.get(key, _default(key)) == wanted for key, wanted in keys.items()):
                return {**{key: element[key] for key in keys if key in element}, **owned(element, below)}
        elif (how == "v" and json.loads(what) == element) or (how == "i" and int(what) == position):
            return owned(element, below)
    return _NOTHING


def _default(key: str) -> str | None:
    return "TCP" if key == "protocol" else None  # the one key field of pods that may be absent
