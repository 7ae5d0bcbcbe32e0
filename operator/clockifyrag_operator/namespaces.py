"""Namespaces: which of those that are to be watched can be read now.

A namespace that is deleted takes the operator's Role in it along, and from then on whatever is asked for there is
refused. The others do not wait for it: it is left out, and looked at again until it can be read.
"""

from __future__ import annotations

import logging

from clockifyrag_operator.client import Client
from clockifyrag_operator.errors import Refused
from clockifyrag_operator.kinds import RESOURCE

_FORBIDDEN = 403

log = logging.getLogger(__name__)


class Namespaces:
    """Those of the settings, and which of them are open; () stands for all of the cluster, which is always open."""

    def __init__(self, client: Client, named: tuple[str, ...]) -> None:
        self._client, self._named = client, named
        self.open = named

    @property
    def several(self) -> bool:
        """Whether one may go while there is another to go on with."""
        return len(self._named) > 1

    def holds(self, namespace: str | None) -> bool:
        """Whether it is read now; None stands for all of the cluster."""
        return namespace is None or namespace in self.open

    async def look(self) -> frozenset[str]:
        """Asks each of them; gives those that were open before and are not any more.

        The Refused of the last one where none can be read: then there is nothing to go on with.
        """
        before, refused = self.open, dict[str, Refused]()
        for namespace in self._named:
            try:
                await self._client.request("GET", RESOURCE.path(namespace), query={"limit": "1"})
            except Refused as error:
                if error.status != _FORBIDDEN:
                    raise
                refused[namespace] = error
        if self._named and len(refused) == len(self._named):
            raise refused[self._named[-1]]
        self.open = tuple(one for one in self._named if one not in refused)
        for namespace, why in refused.items():
            if namespace in before:
                log.error("namespace %s cannot be read and is left out until it can be: %s", namespace, why)
        for namespace in self.open:
            if namespace not in before:
                log.info("namespace %s can be read again", namespace)
        return frozenset(before) - frozenset(self.open)
