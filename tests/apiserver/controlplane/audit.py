"""What the API server was asked, by whom, and what it answered: its audit log, at level Metadata."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
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


def read_events(log: Path) -> list[AuditEvent]:
    """The events in the order they were written; a line that is still being written is left for the next reading."""
    if not log.exists():
        return []
    content = log.read_bytes()
    complete = content[: content.rfind(b"\n") + 1]
    return [audit_event(json.loads(line)) for line in complete.splitlines()]
