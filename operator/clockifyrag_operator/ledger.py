"""Ledger: what the operator knows of the generations on a volume, kept in the ConfigMap `<name>-generations`.

The operator cannot see the volume; all it knows of it are the outcomes of Jobs. A generation's state:

    Candidate ─ served by every ready pod ─► Good ─ not among those kept ─► Removing ─ a Job removed it ─► (gone)
        ├─ quality gate ─► Rejected
        └─ its rollout fails ─► RolledBack
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Literal

from pydantic import TypeAdapter

from clockifyrag_operator.heard import heard

State = Literal["Candidate", "Good", "Rejected", "RolledBack", "Removing"]
JobKind = Literal["Build", "Embed", "List"]
BuildReason = Literal["Initial", "SpecChanged", "SourceChanged", "ModelChanged", "Scheduled", "Requested", "Adopted"]
FailureReason = Literal["BuildFailed", "NoSpace", "OOMKilled", "SourceUnreachable", "DeadlineExceeded", "EmbedderDown"]

_KEY = re.compile(r"b(\d+)-([0-9a-f]{12})-([0-9a-f]{12})-([0-9a-f]{12})")
_KEPT_MAX = 20  # tokens and recorded Jobs remembered


@dataclass(frozen=True, slots=True)
class BuildKey:
    """What decides a generation, by part, so that a difference can be named; each a digest of 12 hex digits."""

    format: int  # of generations, as the builder writes them
    spec: str  # source, chunking and index parameters of the resource
    source: str  # what the source holds, as far as the operator can know it
    model: str  # the resolved embedder

    def __str__(self) -> str:
        return f"b{self.format}-{self.spec}-{self.source}-{self.model}"

    @classmethod
    def parse(cls, text: str) -> BuildKey | None:
        """The key that `text` writes; None for anything else.

        >>> str(BuildKey.parse("b1-0123456789ab-0123456789ab-ffffffffffff"))
        'b1-0123456789ab-0123456789ab-ffffffffffff'
        """
        matched = _KEY.fullmatch(text)
        return cls(int(matched[1]), matched[2], matched[3], matched[4]) if matched else None


@dataclass(frozen=True, slots=True)
class Entry:
    """One generation on the volume. Times are ISO 8601 in UTC."""

    id: str
    state: State
    build_keys: tuple[str, ...] = ()  # all that led to it: the same content may come of several
    reason: str = ""  # why it was built: a BuildReason
    built_at: str = ""
    content_digest: str = ""
    bytes: int = 0
    documents: int = 0
    chunks: int = 0
    dimensions: int = 0
    model: str = ""
    model_digest: str = ""
    source_digest: str = ""
    reindex_token: str = ""
    message: str = ""  # why it is Rejected or RolledBack
    metrics: Mapping[str, str] = field(default_factory=dict)  # decimal texts by name: mrr, ndcg

    @property
    def servable(self) -> bool:
        """Whether it may be published by itself."""
        return self.state in ("Candidate", "Good")


@dataclass(frozen=True, slots=True)
class Attempt:
    """A build that failed."""

    build_key: str
    reason: FailureReason
    trigger: str = ""
    number: int = 1
    message: str = ""
    at: str = ""  # when it ended
    final: bool = False  # another try would fail the same way: only a change of the resource helps
    inputs: str = ""  # digest of what its Job was made with beside the key; "" where an earlier operator wrote it


@dataclass(frozen=True, slots=True)
class Ledger:
    """All of it; immutable, every change is a new value."""

    volume: str | None = None  # uid of the PersistentVolumeClaim it speaks of; None before there is one
    current: str | None = None  # the published generation
    previous: str | None = None  # the one published before it, which pods may still serve during a rollout
    published_at: str = ""  # when current became what it is
    entries: tuple[Entry, ...] = ()  # newest first
    attempts: tuple[Attempt, ...] = ()  # failures of the build wanted now, oldest first
    tokens: tuple[str, ...] = ()  # reindex tokens consumed, newest last
    trigger: str = ""  # the last token or schedule tick, which is the source's key where content cannot be known
    schedule: str = ""  # cron line and time zone that `scheduled` belongs to; "" without or while suspended
    scheduled: str = ""  # last schedule tick consumed, or when the schedule was first seen; ISO 8601
    recorded: tuple[str, ...] = ()  # uids of Jobs whose outcome is in here, newest last
    needs_vectors: str = ""  # order that ended NeedVectors: an Embed Job is next
    embedded: str = ""  # order whose vectors an Embed Job has made
    served_model: str = ""  # embedding model and, after a space, its digest, as its servers told last
    internal_secret: bool = False  # whether <name>-internal was made

    def entry(self, generation: str | None) -> Entry | None:
        """The entry of that id, if there is one."""
        return next((one for one in self.entries if one.id == generation), None)

    def built_from(self, key: BuildKey) -> Entry | None:
        """The newest generation that this key led to, whatever its state."""
        return next((one for one in self.entries if str(key) in one.build_keys), None)

    def standing(self, key: BuildKey | None) -> Entry | None:
        """The newest generation that this key led to and that is to stay, whatever became of it."""
        found = (one for one in self.entries if key and str(key) in one.build_keys and one.state != "Removing")
        return next(found, None)

    def with_entry(self, entry: Entry) -> Ledger:
        """The ledger with this entry put in front, in place of any of the same id."""
        return replace(self, entries=(entry, *(one for one in self.entries if one.id != entry.id)))

    def with_changed(self, entry: Entry) -> Ledger:
        """The ledger with this entry in place of the one of the same id, the order unchanged."""
        return replace(self, entries=tuple(entry if one.id == entry.id else one for one in self.entries))

    def with_token(self, token: str) -> Ledger:
        """The ledger that remembers the token as consumed."""
        return replace(self, tokens=(*self.tokens, token)[-_KEPT_MAX:])

    def with_recorded(self, job_uid: str) -> Ledger:
        """The ledger that remembers this Job's outcome as taken in."""
        return replace(self, recorded=(*self.recorded, job_uid)[-_KEPT_MAX:])


_LEDGERS = TypeAdapter(Ledger)


@dataclass(frozen=True, slots=True)
class BuildOrder:
    """One Job to run: it is created once, under a name made of key, trigger, attempt and kind."""

    kind: JobKind
    key: BuildKey
    trigger: str  # the token or tick that asked for it; "" where the spec or its source did
    reason: BuildReason
    attempt: int = 1
    remove: tuple[str, ...] = ()  # generations the Job deletes; not part of the name
    shards: int = 1

    def record(self) -> str:
        """The order as JSON, for the annotation of its Job."""
        return json.dumps({**asdict(self), "key": str(self.key)}, sort_keys=True, separators=(",", ":"))

    @classmethod
    def parse(cls, text: str) -> BuildOrder | None:
        """The order that `record` wrote; None when it is anything else."""
        try:
            values = heard(text)
            key = BuildKey.parse(values["key"])
            if key is None:
                return None
            return cls(**{**values, "key": key, "remove": tuple(values["remove"])})
        except (ValueError, KeyError, TypeError):
            return None


def ledger_text(ledger: Ledger) -> str:
    """ledger.json: what is empty is left out; equal ledgers give equal texts."""
    return json.dumps(_slim(asdict(ledger)), sort_keys=True, separators=(",", ":"))


def parse_ledger(text: str) -> Ledger | None:
    """The ledger that `ledger_text` wrote, unknown fields of a newer operator left out; None when it is damaged.

    Damaged is also what holds a word or a type that this operator does not know: all of it rests on every part.
    """
    try:
        ledger = _LEDGERS.validate_python(heard(text))
        told = (one for one in (ledger.published_at, ledger.scheduled) if one)
        times = [moment(one) for one in (*(one.at for one in ledger.attempts), *told)]
        return ledger if all(one.tzinfo for one in times) else None
    except ValueError:  # pydantic's is one
        return None


def _slim(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _slim(one) for name, one in value.items() if one not in (None, "", 0, False, (), [], {})}
    return [_slim(one) for one in value] if isinstance(value, (list, tuple)) else value


def utc(moment: datetime) -> str:
    """The time as the API server writes it.

    >>> utc(datetime.fromisoformat("2026-01-31T13:00:00+01:00"))
    '2026-01-31T12:00:00Z'
    """
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def moment(text: str) -> datetime:
    """The time an ISO 8601 text of the ledger or of the API server tells."""
    return datetime.fromisoformat(text.replace("Z", "+00:00"))
