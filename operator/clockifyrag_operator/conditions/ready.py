"""Ready and ServingCurrent: whether questions are answered, and from the published generation."""

from collections import Counter

from clockifyrag_operator import names
from clockifyrag_operator.blocked import Blocker, first_blocker, volume_problem, workload_problem
from clockifyrag_operator.conditions.view import Judged, View, false, refused_words, true, unknown
from clockifyrag_operator.ledger import moment
from clockifyrag_resource.conditions import ConditionReason as R


def ready(view: View) -> Judged:
    """True ⇔ the spec is valid, a generation is published, an endpoint is ready, and every ready one serves the
    published generation or, during a rollout, the one before.
    """
    if view.spec is None:
        return false(R.SPEC_INVALID, refused_words(view.decision.refused))
    if view.published is None:
        return false(R.NOTHING_PUBLISHED, "no generation is published yet; see IndexBuilt")
    if not view.serving:
        return _nothing_ready(view)
    if any(generation is None for generation in view.serving.values()):
        return unknown(f"not every ready pod said what it serves: {_told(view)}", R.ROLLING_OUT)
    others = {generation for generation in view.serving.values() if generation != view.published}
    if not others:
        reason, message = (
            (R.ROLLING_OUT, "; pods are being replaced") if view.rolling and not view.given_up else (R.SERVING, "")
        )
        return true(reason, f"{_told(view)}{message}{_held_up(view)}")
    late = view.given_up or _swap_is_late(view)
    if others != {view.ledger.previous} or late:
        reason = R.ROLLOUT_FAILED if late else R.ROLLING_OUT
        why = _held_up(view) or (problem(view) if late else "")
        return false(reason, f"published is {view.published}, but {_told(view)}{why}")
    return true(R.ROLLING_OUT, f"{view.published} replaces {view.ledger.previous}: {_told(view)}{_held_up(view)}")


def serving_current(view: View) -> Judged:
    """True ⇔ every ready endpoint serves the published generation."""
    if view.published is None:
        return false(R.NOTHING_PUBLISHED, "no generation is published yet")
    if not view.serving:
        return false(R.NOTHING_READY, "no search pod is ready")
    served = set(view.serving.values())
    if served == {view.published}:
        return true(R.CURRENT, _told(view))
    if served <= {view.published, None}:
        return unknown(f"not every ready pod said what it serves: {_told(view)}", R.ROLLING_OUT)
    return false(R.ROLLING_OUT, f"published is {view.published}: {_told(view)}")


def held_up(view: View) -> Blocker | None:
    """What keeps search pods from getting ready: their own troubles, then why they are not made at all."""
    if found := first_blocker(view.search_pods, view.seen.now):
        return found
    if refused := view.refusals.get(("Deployment", names.search(view.name))):
        return Blocker("Config", refused)
    for workload in (view.deployment, *view.seen.all("ReplicaSet", names.SEARCH)):
        if problem := workload_problem(workload):
            return Blocker("Config", problem)
    volume = volume_problem(view.seen, names.index_volume(view.name), "spec.index.storage")
    return Blocker("Config", volume) if volume and not view.serving else None


def _swap_is_late(view: View) -> bool:
    """Whether pods that change over in place had as long for it as new ones have: no Deployment counts the time."""
    if view.spec is None or view.spec.search.index_update != "HotSwap" or not view.ledger.published_at:
        return False
    passed = (view.seen.now - moment(view.ledger.published_at)).total_seconds()
    return passed > view.settings.rollout_seconds


def _nothing_ready(view: View) -> Judged:
    if view.pods_wanted == 0:
        return false(R.ROLLING_OUT, "no pod is wanted: spec.search.replicas is 0")
    found = held_up(view)
    if found is not None and found.word == "Unschedulable":
        return false(R.UNSCHEDULABLE, found.message)
    if view.given_up or (found is not None and not view.rolling):
        late = f"no pod became ready within {view.settings.rollout_seconds} seconds{problem(view)}"
        return false(R.ROLLOUT_FAILED, found.message if found else late)
    return false(R.ROLLING_OUT, found.message if found else f"0 of {view.pods_wanted} pods are ready{problem(view)}")


def _held_up(view: View) -> str:
    found = held_up(view)
    return f"; {found.message}" if found else ""


def problem(view: View) -> str:
    """What a pod says of itself that keeps it from the published generation; "" where none says anything."""
    problems = ((pod, view.report(pod).get("problem")) for pod in view.search_pods)
    return next((f"; pod {pod['metadata']['name']}: {told}" for pod, told in problems if told), "")


def _told(view: View) -> str:
    counts = Counter(str(generation or "an unknown generation") for generation in view.serving.values())
    return ", ".join(f"{number} ready serve {generation}" for generation, number in sorted(counts.items()))
