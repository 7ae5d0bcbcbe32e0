"""Recovery: a ledger that is missing, damaged, or of another volume is read back by one Job that lists the volume.

Until that has ended nothing is built, removed or published; search pods keep what they serve.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from clockifyrag_operator import names
from clockifyrag_operator.jobs import LiveJob, live_jobs, pods_of
from clockifyrag_operator.ledger import BuildKey, BuildOrder, Entry, Ledger
from clockifyrag_operator.observed import Observed, Wanted
from clockifyrag_operator.outcomes import facts, is_generation, outcome, text_of
from clockifyrag_operator.pod_states import template_label
from clockifyrag_operator.triggers import DIGEST, token_of

_NO_KEY = BuildKey(0, "0" * 12, "0" * 12, "0" * 12)  # of a Job that builds nothing


def known_ledger(wanted: Wanted, seen: Observed) -> tuple[Ledger | None, str | None]:
    """The ledger to go by, or None and why nothing is known of the volume."""
    volume = seen.get("PersistentVolumeClaim", names.index_volume(wanted.name))
    ledger, lost = seen.ledger, None
    if ledger is None:
        if volume is None:
            return Ledger(), None
        lost = "the ledger is damaged" if seen.ledger_version else "the ledger is gone"
    elif volume is not None:
        uid = str(volume["metadata"].get("uid", ""))
        if ledger.volume == uid:
            return ledger, None
        if ledger.volume is None and not ledger.entries:
            return replace(ledger, volume=uid), None
        lost = "the volume was replaced by another one of the same name"
    if lost is None:
        return ledger, None
    return _read_back(wanted, seen), lost


def list_order(wanted: Wanted, seen: Observed) -> BuildOrder:
    """The Job that lists the volume; attempts are counted by the Jobs that failed, as no ledger can hold them."""
    tried = [job.order.attempt for job in lists_of(wanted, seen) if job.ended and job.order]
    return BuildOrder("List", _NO_KEY, _trigger(wanted, seen), "Adopted", attempt=max(tried, default=0) + 1)


def lists_of(wanted: Wanted, seen: Observed) -> tuple[LiveJob, ...]:
    """The Jobs that list or listed the volume there is now."""
    trigger = _trigger(wanted, seen)
    jobs = live_jobs(seen)
    return tuple(job for job in jobs if job.order and job.order.kind == "List" and job.order.trigger == trigger)


def last_failed_list(wanted: Wanted, seen: Observed) -> tuple[int, str, str] | None:
    """Attempt, time and message of the last listing that failed; None when none did."""
    ended = [job for job in lists_of(wanted, seen) if job.ended]
    if not ended or ended[-1].order is None:
        return None
    told = outcome(ended[-1], pods_of(seen, ended[-1]))
    return ended[-1].order.attempt, ended[-1].ended_at, told.message or f"it ended {told.result}"


def _trigger(wanted: Wanted, seen: Observed) -> str:
    volume = seen.get("PersistentVolumeClaim", names.index_volume(wanted.name))
    return f"volume {volume['metadata'].get('uid', '')}" if volume else ""


def _read_back(wanted: Wanted, seen: Observed) -> Ledger | None:
    """The ledger that a finished listing gives; None while there is none."""
    for job in lists_of(wanted, seen):
        told = outcome(job, pods_of(seen, job)) if job.ended else None
        if told is not None and told.result == "Listed":
            return _adopted(wanted, seen, listed_entries(told.values), whole=not told.values.get("more"))
    return None


def _adopted(wanted: Wanted, seen: Observed, entries: tuple[Entry, ...], *, whole: bool) -> Ledger:
    """A ledger of what is on the volume. Jobs that ended before are in the listing, so none is taken in again.

    Good is what is older than the one that is served, which its pods confirm at once. A newer one may be there because
    no pod got ready with it: it is a candidate again, and left again if that is so.

    whole: whether all generations are among the entries; else the one that is served may be one that was left out.
    """
    volume = seen.get("PersistentVolumeClaim", names.index_volume(wanted.name))
    assert volume is not None, "there is no listing without a volume"
    before = seen.ledger or Ledger()
    served = published_by_objects(wanted, seen)
    ids = [one.id for one in entries]
    current = served if served in ids or (served and not whole) else ids[0] if ids else None
    proven = ids.index(current) + 1 if current in ids else len(ids)  # from there on: older than what is served
    return replace(
        before,
        volume=str(volume["metadata"].get("uid", "")),
        current=current,
        previous=None,
        entries=(*(replace(one, state="Candidate") for one in entries[:proven]), *entries[proven:]),
        attempts=(),
        tokens=before.tokens or _tokens(wanted),
        trigger=before.trigger if before.volume and not entries else _trigger_of(entries, served),
        needs_vectors="",
        embedded="",
        recorded=tuple(job.uid for job in live_jobs(seen) if job.ended),
    )


def published_by_objects(wanted: Wanted, seen: Observed) -> str | None:
    """The generation that is served, as far as objects other than the ledger tell."""
    deployment = seen.get("Deployment", names.search(wanted.name))
    index = wanted.status.get("index") or {}
    told = template_label(deployment, names.GENERATION) or index.get("generation")
    return told if isinstance(told, str) and told else None


def _tokens(wanted: Wanted) -> tuple[str, ...]:
    """The token on the resource, when the status says that a generation was built for it."""
    token = token_of(wanted.annotations)
    index = wanted.status.get("index") or {}
    return (token,) if token and token == index.get("reindexToken") else ()


def _trigger_of(entries: tuple[Entry, ...], served: str | None) -> str:
    """What stands for the source's content, so that it is not read again for the ledger's sake alone."""
    of_served = next((one for one in entries if one.id == served), entries[0] if entries else None)
    key = BuildKey.parse(of_served.build_keys[-1]) if of_served and of_served.build_keys else None
    return f"{DIGEST}{key.source}" if key else ""


def listed_entries(listing: Mapping[str, Any]) -> tuple[Entry, ...]:
    """The generations of a listing that say what they are, in its order: newest first."""
    listed = listing.get("generations")
    return tuple(
        Entry(
            id=one["id"],
            state="Good",
            build_keys=(text_of(one, "buildKey"),) if BuildKey.parse(text_of(one, "buildKey")) else (),
            reason=text_of(one, "reason"),
            built_at=text_of(one, "created"),
            **facts(one),
        )
        for one in (listed if isinstance(listed, list) else ())
        if isinstance(one, dict) and is_generation(one.get("id"))
    )
