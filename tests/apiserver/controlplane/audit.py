"""What the API server was asked, by whom, and what it answered: its audit log, at level Metadata."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

# The API server's talk with itself is left out: nobody asks for it, and it is most of the log.
POLICY = """\
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- {level: None, users: ["system:apiserver"]}
- {level: Metadata}
"""


@dataclass(frozen=True)
class AuditEvent:
    """A request at a stage: ResponseComplete, for a watch ResponseStarted before; Panic where the server failed."""

    verb: str
    group: str  # "" for the core group, and for what is no resource
    resource: str
    subresource: str
    namespace: str
    name: str
    user: str
    user_agent: str
    uri: str
    response_code: int
    received: datetime
    stage: str


def audit_event(line: Mapping[str, Any]) -> AuditEvent:
    what = line.get("objectRef", {})
    return AuditEvent(
        verb=line["verb"],
        group=what.get("apiGroup", ""),
        resource=what.get("resource", ""),
        subresource=what.get("subresource", ""),
        namespace=what.get("namespace", ""),
        name=what.get("name", ""),
        user=line["user"].get("username", ""),
        user_agent=line.get("userAgent", ""),
        uri=line["requestURI"],
        response_code=line.get("responseStatus", {}).get("code", 0),
        received=datetime.fromisoformat(line["requestReceivedTimestamp"]),
        stage=line["stage"],
    )


class AuditLog:
    """The log of one API server, in a file that grows.

    What was written before some moment was received before it: for what came later the rest alone is read.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._looks: list[tuple[datetime, int]] = []  # when it was read, and how far

    def events(self, user: str | None = None, since: datetime | None = None) -> list[AuditEvent]:
        """Requests of `user` received at `since` or later, as they were written; a line being written is left out."""
        if not self._path.exists():
            return []
        start = next((place for moment, place in reversed(self._looks) if since is not None and moment <= since), 0)
        with self._path.open("rb") as file:
            file.seek(start)
            content = file.read()
        complete = content[: content.rfind(b"\n") + 1]
        self._looks.append((datetime.now(UTC), start + len(complete)))
        lines = (line for line in complete.splitlines() if user is None or user.encode() in line)
        found = (audit_event(json.loads(line)) for line in lines)
        return [one for one in found if user in (None, one.user) and (since is None or since <= one.received)]
