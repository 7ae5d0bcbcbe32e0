"""Publication: which generation search pods serve, as a function of pin, ledger, quality policy and rollout.

Nothing here reads a volume or needs a Job: pinning, rolling back and rejecting are edits of the ledger.
"""

from dataclasses import replace
from datetime import datetime

from clockifyrag_operator.ledger import BuildKey, Entry, Ledger, State
from clockifyrag_operator.quality import rejection
from clockifyrag_operator.rollout import Rollout
from clockifyrag_resource.index import Index, Quality


def with_published(ledger: Ledger, index: Index, key: BuildKey | None, rollout: Rollout, now: datetime) -> Ledger:
    """The ledger whose `current` is the generation to serve, and whose states say what became of the others."""
    ledger = confirmed(ledger, rollout)
    ledger = judged(ledger, key, index.quality)
    if index.pin is None:
        ledger = rolled_back(ledger, rollout, now)
    return published(ledger, chosen(ledger, index.pin, key), now)


def confirmed(ledger: Ledger, rollout: Rollout) -> Ledger:
    """The published generation is Good once every ready pod serves it, or none is wanted."""
    entry = ledger.entry(ledger.current)
    served = set(rollout.serving.values())
    if entry is None or entry.state != "Candidate":
        return ledger
    if served != {entry.id} and (served or not rollout.none_wanted):
        return ledger
    return ledger.with_changed(replace(entry, state="Good", message=""))


def judged(ledger: Ledger, key: BuildKey | None, quality: Quality | None) -> Ledger:
    """The generations wanted now, measured against the policy of now; what is published stays out of it."""
    for entry in ledger.entries:
        wanted = key is not None and str(key) in entry.build_keys and entry.id != ledger.current
        if not wanted or entry.state not in ("Candidate", "Rejected"):
            continue
        reason = rejection(entry, ledger.entry(ledger.current), quality)
        state: State = "Rejected" if reason else "Candidate"
        ledger = ledger.with_changed(replace(entry, state=state, message=reason.message if reason else ""))
    return ledger


def rolled_back(ledger: Ledger, rollout: Rollout, now: datetime) -> Ledger:
    """A published generation that no pod gets ready with is left for the newest good one, if there is one."""
    entry = ledger.entry(ledger.current)
    good = next((one for one in ledger.entries if one.state == "Good" and one.id != ledger.current), None)
    if rollout.failed is None or entry is None or entry.state != "Candidate" or good is None:
        return ledger
    changed = ledger.with_changed(replace(entry, state="RolledBack", message=rollout.failed[:500]))
    return published(changed, good.id, now)


def chosen(ledger: Ledger, pin: str | None, key: BuildKey | None) -> str | None:
    """The generation to serve; the one there is when nothing better is known."""
    if pin is not None:
        pinned = ledger.entry(pin)
        return pin if pinned is not None and pinned.state != "Removing" else ledger.current
    wanted = newest_servable(ledger, key)
    return wanted.id if wanted else ledger.current


def newest_servable(ledger: Ledger, key: BuildKey | None) -> Entry | None:
    """The newest generation of this key that may be published by itself."""
    return next((one for one in ledger.entries if one.servable and key and str(key) in one.build_keys), None)


def published(ledger: Ledger, generation: str | None, now: datetime) -> Ledger:
    """The ledger in which that generation is the published one."""
    if generation == ledger.current:
        return ledger
    return replace(ledger, current=generation, previous=ledger.current, published_at=now.isoformat(timespec="seconds"))
