"""Decide: what is to be, from what is wanted and what is seen. Pure; every step gives its reason.

ledger known? ─► outcomes taken in ─► published ─► old ones marked ─► reason to build? ─► reason to wait? ─► an order
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from clockifyrag_operator import (
    admission,
    images,
    jobs,
    models,
    names,
    publication,
    recovery,
    retention,
    rollout,
    schedule,
)
from clockifyrag_operator.backoff import seconds_left, wait_seconds
from clockifyrag_operator.blocked import blocker
from clockifyrag_operator.case import Case
from clockifyrag_operator.decision import Decision, Images, Reason
from clockifyrag_operator.jobs import LiveJob
from clockifyrag_operator.ledger import Attempt, BuildKey, BuildOrder, BuildReason, Ledger
from clockifyrag_operator.objects.build_job import inputs_digest, job_name
from clockifyrag_operator.observed import Observed, Wanted
from clockifyrag_operator.outcomes import taken_in
from clockifyrag_operator.reasons import attempts, reason_to_build, reason_to_wait, seconds_to_wait
from clockifyrag_operator.settings import Settings
from clockifyrag_operator.triggers import TOKEN, asked_by, token_of
from clockifyrag_resource.resource import Spec


def decide(wanted: Wanted, seen: Observed, settings: Settings) -> Decision:
    """What is to be. For a spec that cannot be followed, and while all is paused, what there is."""
    spec = wanted.rag.spec if wanted.rag else None
    found = images.resolved(wanted, spec, seen, settings)
    refused = admission.refusals(wanted, seen, settings)
    if spec is None or refused or spec.pause == "All":
        served = (seen.ledger.current if seen.ledger else None) or recovery.published_by_objects(wanted, seen)
        decision = Decision(seen.ledger, served, found.in_use, refused=refused, upgrade=found.upgrade)
        if spec is None:
            return decision
        return _as_it_is(decision, Case(wanted, spec, seen, settings, found.in_use, seen.ledger or Ledger()))
    ledger, lost = recovery.known_ledger(wanted, seen)
    if ledger is None:
        assert lost is not None, "an unknown ledger has its reason"
        decision = _listing(wanted, spec, seen, settings, found.in_use, lost)
    else:
        decision = _known(Case(wanted, spec, seen, settings, found.in_use, ledger))
    return replace(decision, upgrade=found.upgrade)


def _as_it_is(decision: Decision, case: Case) -> Decision:
    """The decision to change nothing, with what is going on all the same."""
    running = next((job for job in jobs.live_jobs(case.seen) if job.ended is None and not job.going), None)
    return replace(
        decision,
        key=case.known_asked_key,
        order=running.order if running else None,
        building=running.name if running and running.order else None,
        models=models.wanted_models(case.spec, case.ledger, decision.published, case.in_use),
    )


def _known(case: Case) -> Decision:
    """The decision where the ledger tells what is on the volume."""
    case = replace(case, ledger=_brought_up_to_date(case))
    jobs_now = _sorted_jobs(case)
    order, waiting = _order(case, jobs_now)
    running = jobs_now.running
    superseded = tuple(job for job in jobs_now.superseded if not job.going)
    deleted = (*superseded, *_done_with(case, job_name(case.wanted.name, order) if order else None))
    if order is not None and any(job.name == job_name(case.wanted.name, order) for job in jobs_now.ended):
        order, waiting = None, Reason("Waiting", "waits until an earlier Job of the same name is gone")
    published = case.ledger.current or recovery.published_by_objects(case.wanted, case.seen)
    return Decision(
        ledger=case.ledger,
        published=published,
        images=case.images,
        key=case.known_asked_key,
        order=running.order if running else order,
        building=running.name if running else None,
        to_delete=tuple(job.manifest for job in deleted),
        waiting=waiting,
        models=models.wanted_models(case.spec, case.ledger, published, case.in_use),
        recheck_seconds=_recheck(case),
    )


def _brought_up_to_date(case: Case) -> Ledger:
    """The ledger after all that happened since it was written."""
    ledger = models.with_served(_without_mended_attempts(case), case.spec, case.seen)
    ledger = schedule.with_schedule(ledger, case.spec.build.schedule, case.seen.now)
    ledger = taken_in(ledger, case.seen)
    if case.seen.ledger is not None and ("Secret", names.internal(case.wanted.name)) not in case.seen.refusals:
        ledger = replace(ledger, internal_secret=True)
    case = replace(case, ledger=_with_attempts_of_now(replace(case, ledger=ledger)))
    index, key = case.spec.index, case.known_key
    state = rollout.rollout(case.wanted.name, case.spec, case.seen, case.ledger, case.settings.rollout_seconds)
    if case.spec.pause == "Rollouts":
        return publication.confirmed(case.ledger, state)
    case = replace(case, ledger=publication.with_published(case.ledger, index, key, state, case.seen.now))
    return retention.with_marked(case.ledger, index.retain, key, case.kept)


def _without_mended_attempts(case: Case) -> Ledger:
    """The ledger without the failures of Jobs that would be made otherwise now, by another image or with more memory:
    they need not fail again.

    A failure that this pass takes in afterwards is told and counted first, and forgotten by the next pass. Where a
    failure for good had consumed a reindex token, the token asks again.
    """
    before, now = case.ledger, inputs_digest(case.wanted, case.images)
    mended = [one for one in before.attempts if one.inputs not in ("", now)]
    asked_anew = {asked_by(one.trigger, TOKEN) for one in mended if one.final}
    return replace(
        before,
        attempts=tuple(one for one in before.attempts if one not in mended),
        tokens=tuple(one for one in before.tokens if one not in asked_anew),
    )


def _with_attempts_of_now(case: Case) -> Ledger:
    """The ledger that remembers failures only of what is still wanted.

    A build that was asked for may have the key of the spec: it is wanted as long as somebody asks.
    """
    wanted = {str(case.key), str(case.asked_key)}
    if case.known_key is None:
        return case.ledger
    kept = (one for one in case.ledger.attempts if one.build_key in wanted and _is_asked_for(case, one))
    return replace(case.ledger, attempts=tuple(kept))


def _is_asked_for(case: Case, attempt: Attempt) -> bool:
    """Whether the build that failed is still asked for; one that failed for good consumed what asked for it."""
    if not attempt.trigger or not case.built:
        return True  # by the spec itself
    if not attempt.final:
        return bool(case.trigger)
    token = asked_by(attempt.trigger, TOKEN)
    return case.spec.build.schedule is not None if token is None else token == token_of(case.wanted.annotations)


@dataclass(frozen=True, slots=True)
class _Jobs:
    running: LiveJob | None  # the one whose result is still wanted
    superseded: tuple[LiveJob, ...]  # run, or are going, for nothing
    ended: tuple[LiveJob, ...]


def _sorted_jobs(case: Case) -> _Jobs:
    live = jobs.live_jobs(case.seen)
    alive = [job for job in live if job.ended is None]
    running = next((job for job in alive if not job.going and _still_wanted(case, job)), None)
    return _Jobs(
        running,
        tuple(job for job in alive if job is not running),
        tuple(job for job in live if job.ended is not None),
    )


def _still_wanted(case: Case, job: LiveJob) -> bool:
    """Whether the order would still be given: a token that came since is for a build of its own, after this one."""
    order = job.order
    if order is None or order.kind == "List" or case.spec.index.pin is not None:
        return False
    if _waits_for_nothing(job, case.wanted, case.seen, case.images):
        return False
    key = case.key_for(order.trigger or case.ledger.trigger)
    return isinstance(key, Reason) or key == order.key


def _waits_for_nothing(job: LiveJob, wanted: Wanted, seen: Observed, used: Images) -> bool:
    """Whether no pod of the Job could start and the resource asks for other pods by now.

    A Job is never changed: one with an image that nobody has would be in the way until its deadline, for hours.
    """
    if job.inputs in ("", inputs_digest(wanted, used)):
        return False
    found = [blocker(pod, seen.now) for pod in jobs.pods_of(seen, job)]
    return all(one is not None and one.never_starts for one in found)


def _order(case: Case, jobs_now: _Jobs) -> tuple[BuildOrder | None, Reason | None]:
    """The Job to have now, or why there is none although something is wanted."""
    reason = reason_to_build(case)
    waiting = reason_to_wait(case)
    if jobs_now.running:
        return None, None
    key = case.asked_key
    if reason is None or waiting is not None or isinstance(key, Reason):
        wanted = reason is not None or isinstance(case.key, Reason)
        return None, waiting if wanted else None
    if jobs_now.superseded or (left := jobs.pods_left(case.seen, None)):
        what = [job.name for job in jobs_now.superseded] or [pod["metadata"]["name"] for pod in left]
        return None, Reason("Waiting", f"waits until {what[0]} is gone, which nobody wants any more")
    if any(job.order and job.order.kind == "List" for job in jobs_now.ended):
        return None, Reason("Waiting", "waits until the Job that listed the volume is gone")
    return _staged(case, _first(case, reason, key)), None


def _first(case: Case, reason: Reason, key: BuildKey) -> BuildOrder:
    failed = attempts(case)
    word: BuildReason = reason.word  # type: ignore[assignment]  # reasons.py: the words are BuildReasons
    return BuildOrder(
        kind="Build",
        key=key,
        trigger=case.trigger,
        reason=word,
        attempt=failed[-1].number + 1 if failed else 1,
        remove=retention.removable(case.ledger, key, case.kept),
        shards=case.spec.embedding.shards,
    )


def _staged(case: Case, order: BuildOrder) -> BuildOrder:
    """The stage that is next: a build that lacked vectors is followed by their embedding, and that by a build."""
    identity = jobs.order_id(order)
    if case.ledger.embedded == identity:
        return replace(order, shards=1)
    if case.ledger.needs_vectors == identity and order.shards > 1:
        return replace(order, kind="Embed", remove=())
    return order


def _done_with(case: Case, name: str | None) -> tuple[LiveJob, ...]:
    """Finished Jobs whose outcome is in the ledger, but the newest few; all that listed, or stand in the way."""
    done = [job for job in jobs.live_jobs(case.seen) if job.ended and not job.going]
    known = [job for job in done if job.order is None or job.uid in case.ledger.recorded]
    kept = {job.uid for job in known[-jobs.KEPT :]}
    return tuple(
        job
        for job in known
        if job.uid not in kept or job.name == name or (job.order is not None and job.order.kind == "List")
    )


def _listing(wanted: Wanted, spec: Spec, seen: Observed, settings: Settings, used: Images, lost: str) -> Decision:
    """The decision where nothing is known of the volume: it is listed, and all else stays as it is."""
    served = (seen.ledger.current if seen.ledger else None) or recovery.published_by_objects(wanted, seen)
    live = [job for job in jobs.live_jobs(seen) if job.ended is None]
    lists = [job for job in live if job in recovery.lists_of(wanted, seen) and not job.going]
    listing = next((job for job in lists if not _waits_for_nothing(job, wanted, seen, used)), None)
    others = [job for job in live if job is not listing]
    done_with = [job for job in recovery.lists_of(wanted, seen) if job.ended][: -jobs.KEPT]
    wait = _list_wait(wanted, seen, settings)
    order: BuildOrder | None = recovery.list_order(wanted, seen)
    waiting = None
    if spec.pause == "Rollouts" and listing is None:
        order, waiting = None, Reason("Paused", "spec.pause is Rollouts: the volume is not listed")
    elif others or jobs.pods_left(seen, listing):
        order, waiting = None, Reason("Waiting", "waits until earlier Jobs are gone before the volume is listed")
    elif wait is not None:
        order, waiting = None, wait[1]
    return Decision(
        ledger=None,
        published=served,
        images=used,
        order=listing.order if listing else order,
        building=listing.name if listing else None,
        to_delete=tuple(job.manifest for job in (*others, *done_with) if not job.going),
        waiting=None if listing else waiting,
        models=models.wanted_models(spec, seen.ledger, served, rollout.in_use(wanted.name, seen)),
        recheck_seconds=wait[0] if wait else settings.poll_seconds,
        lost=lost,
    )


def _list_wait(wanted: Wanted, seen: Observed, settings: Settings) -> tuple[float, Reason] | None:
    """Seconds until the volume is listed again, and why; None when it may be now."""
    failed = recovery.last_failed_list(wanted, seen)
    if failed is None:
        return None
    number, at, message = failed
    wait = wait_seconds(wanted.uid, number, settings)
    left = seconds_left(wait, at, seen.now) if at else wait
    return (left, Reason("BuildFailed", f"listing the volume failed: {message}")) if left > 0 else None


def _recheck(case: Case) -> float | None:
    """Seconds after which something is due that no event announces."""
    tick = schedule.next_tick(case.spec.build.schedule, case.seen.now)
    waits = [seconds_to_wait(case) or None, (tick - case.seen.now).total_seconds() if tick else None]
    return min((one for one in waits if one is not None), default=None)
