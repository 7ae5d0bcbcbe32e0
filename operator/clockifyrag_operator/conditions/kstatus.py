"""Reconciling and Stalled: whether somebody has to wait, or to act (kstatus, kubernetes-sigs/cli-utils)."""

from clockifyrag_operator.admission import NAME_TAKEN
from clockifyrag_operator.conditions.embedder import embedder_ready
from clockifyrag_operator.conditions.index import failure_words, index_published
from clockifyrag_operator.conditions.ready import held_up, problem, ready
from clockifyrag_operator.conditions.servers import servers_changing
from clockifyrag_operator.conditions.view import Judged, View, false, refused_words, true
from clockifyrag_operator.manifest import is_ours
from clockifyrag_resource.conditions import ConditionReason as R
from clockifyrag_resource.conditions import ConditionStatus as S


def stalled(view: View) -> Judged:
    """True ⇔ it does not go on without a change by somebody."""
    refused = view.decision.refused
    if refused:
        taken = refused[0].startswith(NAME_TAKEN)
        return true(R.NAME_TAKEN if taken else R.SPEC_INVALID, refused_words(refused))
    if view.seen.schema_problem is not None:
        return true(R.SCHEMA_OUTDATED, view.seen.schema_problem)
    failure = view.last_failure
    if failure is not None and failure.final and view.decision.order is None:
        return true(R.BUILD_FAILED, failure_words(failure))
    if view.given_up:
        found = held_up(view)
        late = f"new pods did not become ready in time{problem(view)}"
        return true(R.ROLLOUT_FAILED, found.message if found else late)
    if view.refusals:
        first = min(view.refusals)
        live = view.seen.get(*first)
        taken = live is not None and not is_ours(live, view.wanted)
        return true(R.NAME_TAKEN if taken else R.SPEC_INVALID, view.refusals[first])
    return false(R.AS_EXPECTED, "it goes on by itself, or there is nothing to do")


def reconciling(view: View) -> Judged:
    """True ⇔ what is wanted is being brought about."""
    if view.spec is None or view.spec.pause == "All":
        return false(R.SETTLED, "nothing is changed: the spec is refused, or paused")
    if view.decision.order is not None:
        return true(R.BUILDING, index_published(view).message)
    final = view.last_failure is not None and view.last_failure.final
    waiting = view.decision.waiting is not None and view.decision.waiting.word not in ("Paused", "Pinned")
    if waiting and not final:
        return _waiting(view)
    if view.published is not None and view.rolling and not view.given_up:
        return true(R.ROLLING_OUT, ready(view).message)
    if waiting:
        return false(R.SETTLED, "a change is needed; see Stalled")
    if set(view.serving.values()) - {view.published}:
        return true(R.ROLLING_OUT, ready(view).message)
    embedder = embedder_ready(view)
    if embedder.status == S.FALSE and embedder.reason in (R.PULLING, R.UNREACHABLE):
        return true(R.WAITING, embedder.message)
    if stalled(view).status == S.TRUE:
        return false(R.SETTLED, "a change is needed; see Stalled")
    if changing := servers_changing(view):
        return true(R.ROLLING_OUT, changing)
    return false(R.SETTLED, "there is nothing left to do")


def _waiting(view: View) -> Judged:
    assert view.decision.waiting is not None, "the caller saw it"
    return true(R.WAITING, view.decision.waiting.message)
