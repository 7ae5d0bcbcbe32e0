"""IndexBuilt and IndexPublished: whether the index wanted now exists, and whether it is the one that is served."""

from clockifyrag_operator import names
from clockifyrag_operator.blocked import first_blocker, volume_problem, workload_problem
from clockifyrag_operator.conditions.view import Judged, View, false, refused_words, true, unknown
from clockifyrag_operator.jobs import JOB_NAME
from clockifyrag_operator.ledger import Attempt
from clockifyrag_operator.pod_states import label
from clockifyrag_resource.conditions import ConditionReason as R

_OF_FAILURE = {
    "BuildFailed": R.BUILD_FAILED,
    "NoSpace": R.NO_SPACE,
    "OOMKilled": R.OOM_KILLED,
    "SourceUnreachable": R.SOURCE_UNREACHABLE,
    "DeadlineExceeded": R.DEADLINE_EXCEEDED,
    "EmbedderDown": R.BUILD_FAILED,
}


def index_built(view: View) -> Judged:
    """True ⇔ a generation of the key wanted now is on the volume, and no other build is asked for."""
    if view.spec is None:
        return unknown(f"the spec is refused: {refused_words(view.decision.refused)}")
    order, waiting, entry = view.decision.order, view.decision.waiting, view.wanted_entry
    if order is not None:
        return false(R.BUILDING, _building(view))
    if view.spec.index.pin is not None and (pinned := view.ledger.entry(view.spec.index.pin)):
        return true(R.BUILT, f"{pinned.id} is pinned: nothing is built")
    if waiting is not None:
        return false(_OF_FAILURE.get(waiting.word, R.BUILDING), waiting.message)
    if view.decision.lost is not None:
        return false(R.BUILDING, view.decision.lost)
    if failure := view.last_failure:
        return false(_OF_FAILURE[failure.reason], failure_words(failure))
    if view.decision.key is None:
        return unknown("it is not known yet what is to be built")
    if entry is not None:
        return true(R.BUILT, f"{entry.id} is built")
    paused = view.spec.pause == "All"
    return false(R.BUILDING, "spec.pause is All: nothing is built" if paused else "a build follows")


def index_published(view: View) -> Judged:
    """True ⇔ the published generation has the key wanted now, or is pinned."""
    if view.spec is None:
        return unknown(f"the spec is refused: {refused_words(view.decision.refused)}")
    pin, published, entry = view.spec.index.pin, view.published, view.wanted_entry
    if pin is not None:
        if published == pin:
            return true(R.PINNED, f"spec.index.pin is {pin}")
        known = ", ".join(one.id for one in view.ledger.entries[:10] if one.state != "Removing") or "none"
        return false(R.PINNED, f"spec.index.pin: found {pin}, expected a generation on the volume: {known}")
    if published is not None and entry is not None and _is_of_wanted_key(view, published):
        return true(R.PUBLISHED, f"{published} is published")
    if entry is not None and entry.state == "RolledBack":
        return false(R.ROLLED_BACK, f"{entry.id}: {entry.message}; a new token in {names.REINDEX} tries it again")
    if entry is not None and entry.state == "Rejected":
        return false(R.QUALITY_REJECTED, f"{entry.id}: {entry.message}")
    return false(R.BUILDING, index_built(view).message)


def _is_of_wanted_key(view: View, generation: str) -> bool:
    entry = view.ledger.entry(generation)
    return entry is not None and str(view.decision.key) in entry.build_keys


def failure_words(failure: Attempt) -> str:
    """One failed build in one sentence."""
    return f"attempt {failure.number} failed: {failure.message or failure.reason}"


def _building(view: View) -> str:
    """What is built and why; what holds it up, or how the last try ended."""
    order, job = view.decision.order, view.decision.building
    assert order is not None, "something is being built"
    what = {"Build": "is built", "Embed": "is embedded", "List": "is listed"}[order.kind]
    why = view.decision.lost or order.reason
    text = f"{'the volume' if order.kind == 'List' else order.key} {what} ({why}, attempt {order.attempt})"
    if (told := _held_up(view, job)) is not None:
        return f"{text}; {told}"
    failure = view.last_failure
    return f"{text}; {failure_words(failure)}" if failure else text


def _held_up(view: View, job: str | None) -> str | None:
    if job is None:
        return None
    all_pods = (*view.seen.pods(names.BUILD), *view.seen.pods(names.EMBED))
    pods = [pod for pod in all_pods if label(pod, JOB_NAME) == job]
    if found := first_blocker(pods, view.seen.now):
        return found.message
    if problem := workload_problem(view.seen.get("Job", job)):
        return problem
    return volume_problem(view.seen, names.index_volume(view.name), "spec.index.storage")
