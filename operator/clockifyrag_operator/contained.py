"""Whether a live object already holds what was rendered, so that nothing is written at rest.

The API server adds defaults, empties and other writers' fields; what it adds is never a difference.
"""

from __future__ import annotations

from typing import Any

from clockifyrag_operator import names
from clockifyrag_operator.manifest import digest
from clockifyrag_operator.observed import Manifest
from clockifyrag_resource.quantities import Quantity

_EMPTY: tuple[Any, ...] = (None, {}, [], "")
_AMOUNTS = frozenset({"requests", "limits"})  # maps of quantities
_AMOUNT = frozenset({"sizeLimit", "averageValue"})  # fields that are one
_OF_THE_SERVER = ("resourceVersion", "generation", "managedFields", "creationTimestamp", "uid", "selfLink")


def contained(rendered: Any, live: Any, key: str = "", within: str = "") -> bool:
    """Whether `live` holds all of `rendered`: maps as a subset, lists element by element, amounts by value.

    Empty and absent are one. key, within: the field that holds the value, and the one around that.

    >>> contained({"a": [{"b": 1}], "c": {}}, {"a": [{"b": 1, "default": True}]})
    True
    >>> contained({"limits": {"cpu": "1000m"}}, {"limits": {"cpu": "1"}}), contained([1], [1, 2])
    (True, False)
    """
    if rendered in _EMPTY:
        return bool(live in _EMPTY) or (isinstance(rendered, dict) and isinstance(live, dict))
    if isinstance(rendered, dict):
        return isinstance(live, dict) and all(
            contained(value, live.get(name), name, key) for name, value in rendered.items()
        )
    if isinstance(rendered, (list, tuple)):
        return (
            isinstance(live, list)
            and len(rendered) == len(live)
            and all(contained(one, other, key, within) for one, other in zip(rendered, live, strict=True))
        )
    if within in _AMOUNTS or key in _AMOUNT:
        return bool(_amount(rendered) == _amount(live))
    return bool(rendered == live) and isinstance(rendered, bool) == isinstance(live, bool)


def _amount(value: Any) -> Any:
    try:
        return Quantity.parse(str(value)).value
    except ValueError:
        return value


def marked(rendered: Manifest) -> Manifest:
    """The object with its own digest as annotation names.APPLIED; equal objects get equal digests.

    The resourceVersion it replaces is a condition of the write and no part of what is written.
    """
    metadata = {name: value for name, value in rendered["metadata"].items() if name != "resourceVersion"}
    annotations = {name: value for name, value in (metadata.get("annotations") or {}).items() if name != names.APPLIED}
    told = digest({**rendered, "metadata": {**metadata, "annotations": annotations}})
    return {
        **rendered,
        "metadata": {**rendered["metadata"], "annotations": {**annotations, names.APPLIED: told}},
    }


def holds(live: Manifest, rendered: Manifest) -> bool:
    """Whether the live object is what `rendered`, a marked object, would make of it."""
    metadata = {name: value for name, value in rendered["metadata"].items() if name != "resourceVersion"}
    return contained({**rendered, "metadata": metadata}, live)


def essence(live: Manifest) -> str:
    """A digest of all that is written by somebody: without status and what the API server itself counts."""
    metadata = {name: value for name, value in live["metadata"].items() if name not in _OF_THE_SERVER}
    return digest({**{name: value for name, value in live.items() if name != "status"}, "metadata": metadata})
