"""The API server's audit log: what one user asked of it since some moment."""

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from tests.apiserver.controlplane.audit import AuditEvent, audit_event

from bench.waiting import wait_until

WRITES = frozenset({"create", "update", "patch", "delete"})
SILENT_SECONDS = 3


@dataclass(frozen=True, slots=True)
class Mark:
    """A moment, and where the audit log ended then: what came later is read, and nothing before."""

    time: datetime
    offset: int


class Audit:
    """The log, as far as it tells of the operator."""

    def __init__(self, log: Path, user: str) -> None:
        """user: the one the operator asks as."""
        self._log = log
        self._user = user

    def mark(self) -> Mark:
        """Now."""
        return Mark(datetime.now().astimezone(), self._log.stat().st_size if self._log.exists() else 0)

    def events(self, since: Mark) -> list[AuditEvent]:
        """What the operator asked since then, watches aside; a line that is still being written is left out."""
        with self._log.open("rb") as log:
            log.seek(since.offset)
            *lines, _ = log.read().split(b"\n")
        events = [audit_event(json.loads(line)) for line in lines if line]
        return [one for one in events if one.user == self._user and one.verb != "watch" and one.received >= since.time]

    def settled(self, since: Mark) -> list[AuditEvent]:
        """What the operator asked since then, once it asked nothing but for its Lease for some seconds."""

        def silent() -> bool:
            asked = [one.received for one in self.events(since) if one.resource != "leases"]
            latest = max(asked, default=since.time)
            return (datetime.now().astimezone() - latest).total_seconds() > SILENT_SECONDS

        wait_until(silent, "the operator is silent")
        return [one for one in self.events(since) if one.resource != "leases"]

    def first_child_write(self, name: str, since: Mark) -> AuditEvent:
        """The first write since then of an object of that resource, waited for."""
        found: list[AuditEvent] = []

        def written() -> bool:
            found[:] = [
                one
                for one in self.events(since)
                if one.verb in WRITES and one.resource != "clockifyrags" and one.name.startswith(f"{name}-")
            ]
            return bool(found)

        wait_until(written, f"a child of {name} is written", every=0.1)
        return found[0]
