"""Outcomes: what finished Jobs and their pods say, and what that changes in the ledger.

Built, Unchanged ─► an entry, the trigger is consumed     NeedVectors ─► an Embed Job is next
Embedded ─► the build is next                             Failed ─► an attempt, tried again unless final
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal

from clockifyrag_operator.jobs import (
    CONTAINER,
    EXIT_EMBEDDER,
    EXIT_SOURCE,
    EXIT_STORAGE,
    EXIT_USAGE,
    LiveJob,
    live_jobs,
    order_id,
    pods_of,
)
from clockifyrag_operator.ledger import Attempt, BuildOrder, Entry, FailureReason, Ledger, moment
from clockifyrag_operator.observed import Manifest, Observed
from clockifyrag_operator.pod_states import condition, container_states, last_record
from clockifyrag_operator.triggers import TICK, TOKEN, asked_by

Result = Literal["Built", "Unchanged", "NeedVectors", "Embedded", "Listed", "Failed"]
ATTEMPTS_KEPT = 5
KEYS_KEPT = 20  # of one generation: each look at an unchanged source adds one
_GENERATION = re.compile(r"gen-[0-9a-f]{12}")
_FINISHED: tuple[Result, ...] = ("Built", "Unchanged", "NeedVectors", "Embedded", "Listed")
_BY_EXIT_CODE: dict[int, FailureReason] = {EXIT_SOURCE: "SourceUnreachable", EXIT_EMBEDDER: "EmbedderDown"}
_MESSAGE_MAX = 500
_UNREAD = "its pods are gone before their outcome was read, or told none"


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a Job ended."""

    result: Result
    values: Mapping[str, Any] = field(default_factory=dict)  # the builder's summary
    reason: FailureReason = "BuildFailed"  # of a failure
    message: str = ""
    final: bool = False  # trying again would fail the same way

    @property
    def generation(self) -> str | None:
        found = self.values.get("generation")
        return str(found) if is_generation(found) else None


def is_generation(value: object) -> bool:
    """Whether it is the id of a generation."""
    return isinstance(value, str) and _GENERATION.fullmatch(value) is not None


def taken_in(ledger: Ledger, seen: Observed) -> Ledger:
    """The ledger with the outcome of every finished Job that it does not hold yet, in the order of their ends.

    None ended later than now: where the operator's clock is behind, a wait begins when the outcome is seen.
    """
    now = seen.now.isoformat(timespec="seconds")
    for job in live_jobs(seen):
        if job.ended is not None and job.order is not None and job.uid not in ledger.recorded:
            at = min(job.ended_at or now, now, key=moment)
            ended = outcome(job, pods_of(seen, job))
            ledger = with_outcome(ledger, job.order, ended, at, job.inputs).with_recorded(job.uid)
    return ledger


def with_outcome(ledger: Ledger, order: BuildOrder, ended: Outcome, at: str, inputs: str = "") -> Ledger:
    """The ledger that knows how this order ended; inputs: digest of what its Job was made with."""
    if ended.result in ("Built", "Unchanged"):
        return _with_generation(ledger, order, ended, at)
    if ended.result == "NeedVectors":
        return replace(ledger, needs_vectors=order_id(order), embedded="")
    if ended.result == "Embedded":
        return replace(ledger, embedded=order_id(order))
    if ended.result == "Listed":
        return ledger
    return _with_failure(ledger, order, ended, at, inputs)


def _with_generation(ledger: Ledger, order: BuildOrder, ended: Outcome, at: str) -> Ledger:
    removed = {str(one) for one in _sequence(ended.values.get("removed"))}
    ledger = replace(
        ledger,
        entries=tuple(one for one in ledger.entries if one.id not in removed),
        attempts=tuple(one for one in ledger.attempts if one.build_key != str(order.key)),
        needs_vectors="",
        embedded="",
    )
    known = ledger.entry(ended.generation)
    entry = _again(known, order) if known else _entry(order, ended, at)
    return _consumed(ledger.with_entry(entry), order.trigger)


def _entry(order: BuildOrder, ended: Outcome, at: str) -> Entry:
    values = ended.values
    assert ended.generation, "only an outcome that names one makes an entry"
    return Entry(
        id=ended.generation,
        state="Candidate",
        build_keys=(str(order.key),),
        reason=order.reason,
        built_at=text_of(values, "created") or at,
        reindex_token=asked_by(order.trigger, TOKEN) or "",
        source_digest=text_of(values, "sourceDigest"),
        **facts(values),
    )


def facts(values: Mapping[str, Any]) -> dict[str, Any]:
    """What a builder tells of a generation, by the names of an Entry; anything of a wrong type is left out."""
    return {
        "content_digest": text_of(values, "contentDigest"),
        "model": text_of(values, "model"),
        "model_digest": text_of(values, "modelDigest"),
        **{name: _count(values, name) for name in ("bytes", "documents", "chunks", "dimensions")},
    }


def _again(known: Entry, order: BuildOrder) -> Entry:
    """The entry of a generation that another build led to: wanted once more, and judged anew if somebody asked."""
    keys = (*(key for key in known.build_keys if key != str(order.key)), str(order.key))[-KEYS_KEPT:]
    token = asked_by(order.trigger, TOKEN)
    wanted_back = known.state == "Removing" or (token is not None and known.state in ("RolledBack", "Rejected"))
    return replace(
        known,
        build_keys=keys,
        state="Candidate" if wanted_back else known.state,
        message="" if wanted_back else known.message,
        reindex_token=token or known.reindex_token,
    )


def _with_failure(ledger: Ledger, order: BuildOrder, ended: Outcome, at: str, inputs: str) -> Ledger:
    attempt = Attempt(
        build_key=str(order.key),
        reason=ended.reason,
        trigger=order.trigger,
        number=order.attempt,
        message=ended.message[:_MESSAGE_MAX],
        at=at,
        final=ended.final,
        inputs=inputs,
    )
    ledger = replace(ledger, attempts=(*ledger.attempts, attempt)[-ATTEMPTS_KEPT:])
    return _consumed(ledger, order.trigger) if ended.final else ledger


def _consumed(ledger: Ledger, trigger: str) -> Ledger:
    """The ledger for which this trigger is done with."""
    if not trigger:
        return ledger
    token, tick = asked_by(trigger, TOKEN), asked_by(trigger, TICK)
    if token is not None and token not in ledger.tokens:
        ledger = ledger.with_token(token)
    if tick is not None and ledger.schedule:
        ledger = replace(ledger, scheduled=max(ledger.scheduled, tick, key=_instant))
    return replace(ledger, trigger=trigger)


def outcome(job: LiveJob, pods: Sequence[Manifest]) -> Outcome:
    """How the finished Job ended, from its own conditions and from what its newest pod left behind."""
    if job.ended == "Complete":
        return _success(job, pods)
    exit_code, reason, message = _last_words(pods)
    told = last_record(message)
    text = str(told.get("error") or message or condition(job.manifest, "Failed").get("message") or "")
    if condition(job.manifest, "Failed").get("reason") == "DeadlineExceeded":
        seconds = job.manifest.get("spec", {}).get("activeDeadlineSeconds", "its")
        return _failed("DeadlineExceeded", f"took longer than spec.build.deadlineSeconds, {seconds}")
    if reason == "OOMKilled":
        return _failed("OOMKilled", "needed more memory than its limit; raise spec.build.resources.limits.memory")
    if exit_code == EXIT_STORAGE and "space" in text.lower():
        return _failed("NoSpace", text)
    if not pods and not text:
        return _failed("BuildFailed", _UNREAD)
    found = _BY_EXIT_CODE.get(exit_code or 0, "BuildFailed")
    return _failed(found, text or _UNREAD, final=exit_code == EXIT_USAGE)


def _success(job: LiveJob, pods: Sequence[Manifest]) -> Outcome:
    if job.order is not None and job.order.kind == "Embed":
        return Outcome("Embedded")
    for pod in pods:
        values = last_record(_last_words([pod])[2])
        ended = next((Outcome(one, values) for one in _FINISHED if one == values.get("result")), None)
        if ended and (ended.generation or ended.result in ("NeedVectors", "Listed")):
            return ended
    return _failed("BuildFailed", _UNREAD)


def _failed(reason: FailureReason, message: str, *, final: bool = False) -> Outcome:
    return Outcome("Failed", reason=reason, message=message, final=final)


def _last_words(pods: Sequence[Manifest]) -> tuple[int | None, str, str]:
    """Exit code, reason and message with which the build of the newest pod that tells any ended."""
    for pod in pods:
        for name, _, status in container_states(pod):
            ended = status.get("state", {}).get("terminated") or status.get("lastState", {}).get("terminated")
            if name == CONTAINER and ended:
                return ended.get("exitCode"), str(ended.get("reason", "")), str(ended.get("message", ""))
        if message := pod.get("status", {}).get("message"):
            return None, str(pod["status"].get("reason", "")), str(message)
    return None, "", ""


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


def text_of(values: Mapping[str, Any], name: str) -> str:
    """The text of that name, at most 200 characters of it; "" for anything else."""
    found = values.get(name)
    return found[:200] if isinstance(found, str) else ""


def _count(values: Mapping[str, Any], name: str) -> int:
    found = values.get(name)
    return found if isinstance(found, int) and not isinstance(found, bool) and found >= 0 else 0


def _sequence(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list) else ()
