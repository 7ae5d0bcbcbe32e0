"""Servers: whether the pods of the store and of the model servers are those that are wanted."""

from collections.abc import Iterator

from clockifyrag_operator import names
from clockifyrag_operator.blocked import first_blocker
from clockifyrag_operator.conditions.view import View, is_changing
from clockifyrag_operator.objects.model_server import managed, server_of
from clockifyrag_operator.objects.store import wants_store


def servers_changing(view: View) -> str | None:
    """A sentence about the first of them with pods to be made, replaced or removed, and what holds these up; None
    where all are as they are wanted.
    """
    for component, name, replicas in _wanted(view):
        live = view.seen.get("StatefulSet", name)
        if live is None or ("StatefulSet", name) in view.new_pods or is_changing(live, replicas):
            found = first_blocker(view.seen.pods(component), view.seen.now)
            why = f"; {found.message}" if found else ""
            return f"pods of {name} are being replaced, started or removed{why}"
    return None


def _wanted(view: View) -> Iterator[tuple[str, str, int]]:
    """Component, name of the StatefulSet, and how many pods it is to have."""
    if managed(view.decision):
        yield names.OLLAMA, names.ollama(view.name), server_of(view.wanted).replicas
    if wants_store(view.wanted):
        yield names.STORE, names.store(view.name), 1
