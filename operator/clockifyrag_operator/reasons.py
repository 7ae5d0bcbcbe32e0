"""Reasons to build, and reasons to wait: ordered checks, of which the first that speaks decides."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from clockifyrag_operator import models, names
from clockifyrag_operator.backoff import seconds_left, wait_seconds
from clockifyrag_operator.case import Case
from clockifyrag_operator.decision import Reason
from clockifyrag_operator.ledger import Attempt, BuildKey, moment
from clockifyrag_operator.triggers import TICK, TOKEN, asked_by

Check = Callable[[Case], Reason | None]


def reason_to_build(case: Case) -> Reason | None:
    """Why an index is to be built now, its word a BuildReason; None when there is nothing to build."""
    return next((found for check in REASONS_TO_BUILD if (found := check(case))), None)


def nothing_built(case: Case) -> Reason | None:
    if all(one.state == "Removing" for one in case.ledger.entries):
        return Reason("Initial", "there is no generation yet")
    return None


def spec_changed(case: Case) -> Reason | None:
    before, key = _before(case), case.known_key
    if case.built or key is None:
        return None
    if before is None:
        return Reason("SpecChanged", "it is not known what the published generation was built from")
    if (before.format, before.spec) != (key.format, key.spec):
        return Reason("SpecChanged", f"published b{before.format}-{before.spec}, wanted b{key.format}-{key.spec}")
    return None


def source_changed(case: Case) -> Reason | None:
    before, key = _before(case), case.known_key
    if not case.built and before and key and before.source != key.source:
        return Reason("SourceChanged", f"published {before.source}, wanted {key.source}")
    return None


def model_changed(case: Case) -> Reason | None:
    before, key = _before(case), case.known_key
    if not case.built and before and key and before.model != key.model:
        return Reason("ModelChanged", f"published {before.model}, wanted {key.model}")
    return None


def removed_meanwhile(case: Case) -> Reason | None:
    """Published is a generation of the wanted key that is marked for removal, and no other one has the key."""
    if not case.built and case.known_key is not None:
        return Reason("SpecChanged", f"no generation of {case.known_key} is left")
    return None


def tick_due(case: Case) -> Reason | None:
    tick = asked_by(case.trigger, TICK)
    return Reason("Scheduled", f"the schedule was due at {tick}") if tick else None


def token_set(case: Case) -> Reason | None:
    token = asked_by(case.trigger, TOKEN)
    return Reason("Requested", f"{names.REINDEX} is {token}") if token else None


# In order: the first that speaks decides, and later ones may rely on earlier ones.
REASONS_TO_BUILD: tuple[Check, ...] = (
    nothing_built, spec_changed, source_changed, model_changed, removed_meanwhile, tick_due, token_set,
)  # fmt: skip


def _before(case: Case) -> BuildKey | None:
    """The newest key of the published generation; of the newest one where none is published."""
    ledger = case.ledger
    entry = ledger.entry(ledger.current) or next(iter(ledger.entries), None)
    return BuildKey.parse(entry.build_keys[-1]) if entry and entry.build_keys else None


def reason_to_wait(case: Case) -> Reason | None:
    """Why nothing is built now although something may be wanted; None when nothing stands in the way."""
    return next((found for check in REASONS_TO_WAIT if (found := check(case))), None)


def rollouts_paused(case: Case) -> Reason | None:
    return Reason("Paused", "spec.pause is Rollouts: nothing is built") if case.spec.pause == "Rollouts" else None


def pinned(case: Case) -> Reason | None:
    pin = case.spec.index.pin
    return Reason("Pinned", f"spec.index.pin is {pin}: nothing is built") if pin is not None else None


def key_unknown(case: Case) -> Reason | None:
    key = case.key
    return key if isinstance(key, Reason) else None


def failed_for_good(case: Case) -> Reason | None:
    attempt = next((one for one in attempts(case) if one.final), None)
    if attempt is None:
        return None
    return Reason(attempt.reason, f"{attempt.message}; it is built again after a change of the spec or a new token")


def backing_off(case: Case) -> Reason | None:
    seconds = seconds_to_wait(case)
    if not seconds:
        return None
    last = attempts(case)[-1]
    return Reason(last.reason, f"attempt {last.number} failed: {last.message}; tried again at {_retry_at(case, last)}")


def volume_missing(case: Case) -> Reason | None:
    """Without its volume, and the store beside it, a Job would use up its time waiting."""
    name = names.index_volume(case.wanted.name)
    if case.seen.get("PersistentVolumeClaim", name) is None:
        return Reason("VolumeMissing", f"waits for PersistentVolumeClaim {name}")
    store = names.store(case.wanted.name)
    alone = case.spec.index.storage.access_mode == "ReadWriteOnce"
    if alone and case.seen.get("StatefulSet", store) is None:
        return Reason("VolumeMissing", f"waits for StatefulSet {store}")
    return None


def model_missing(case: Case) -> Reason | None:
    if not models.builds_with_managed_ollama(case.spec):
        return None
    model = case.spec.embedding.resolved_model()
    if models.servers_holding(case.seen, (model,)):
        return None
    return Reason("EmbedderNotReady", f"waits for a server of {names.ollama(case.wanted.name)} that holds {model}")


# What is settled by the resource alone comes before what time and the cluster settle.
REASONS_TO_WAIT: tuple[Check, ...] = (
    rollouts_paused, pinned, key_unknown, failed_for_good, backing_off, volume_missing, model_missing,
)  # fmt: skip


def attempts(case: Case) -> tuple[Attempt, ...]:
    """The failures of the build that would be ordered now, oldest first."""
    trigger = case.trigger
    same = (one for one in case.ledger.attempts if one.build_key == str(case.asked_key))
    return tuple(one for one in same if one.trigger == trigger or (one.final and not trigger))


def seconds_to_wait(case: Case) -> float:
    """Seconds until the next attempt; 0 when nothing failed, or enough time went by."""
    failed = attempts(case)
    if not failed or failed[-1].final:
        return 0
    return seconds_left(_wait(case, failed[-1]), failed[-1].at, case.seen.now)


def _wait(case: Case, attempt: Attempt) -> float:
    return wait_seconds(case.wanted.uid, attempt.number, case.settings)


def _retry_at(case: Case, attempt: Attempt) -> str:
    return (moment(attempt.at) + timedelta(seconds=_wait(case, attempt))).isoformat(timespec="seconds")
