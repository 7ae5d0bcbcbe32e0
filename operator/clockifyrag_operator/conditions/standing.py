"""Secured, Paused and UpgradePending: what the spec itself says, as long as it says so."""

from clockifyrag_operator.conditions.view import Judged, View, false, refused_words, true, unknown
from clockifyrag_operator.desired import TEMPLATE_VERSION, kept_templates
from clockifyrag_operator.images import AUTO
from clockifyrag_resource.conditions import ConditionReason as R


def secured(view: View) -> Judged:
    """True ⇔ clients must show an API key."""
    if view.spec is None:
        return unknown(f"the spec is refused: {refused_words(view.decision.refused)}")
    if view.spec.search.auth is None:
        return false(R.OPEN, "spec.search.auth is absent: everyone who reaches the Service may ask")
    return true(R.KEYS, f"keys are those of Secret {view.spec.search.auth.secret_ref.name}")


def paused(view: View) -> Judged:
    """True ⇔ something is left undone, as spec.pause asks."""
    pause = view.wanted.rag.spec.pause if view.wanted.rag is not None else "Nothing"
    if pause == "All":
        return true(R.ALL_PAUSED, "spec.pause is All: nothing but the status is written")
    if pause == "Rollouts":
        return true(R.ROLLOUTS_PAUSED, "spec.pause is Rollouts: nothing is built, published or rolled out")
    return false(R.NOT_PAUSED, "nothing is paused")


def upgrade_pending(view: View) -> Judged:
    """True ⇔ upgradePolicy Manual holds back what this version of the operator would change."""
    if view.decision.upgrade is not None:
        return true(R.NEW_IMAGES, view.decision.upgrade.message)
    if view.spec is None:
        return unknown(f"the spec is refused: {refused_words(view.decision.refused)}")
    kept = kept_templates(view.wanted, view.seen, view.decision, view.settings)
    if kept:
        workloads = ", ".join(f"{kind} {name}" for kind, name in kept)
        return true(R.NEW_TEMPLATE, f"pods of {workloads} are of other templates than {TEMPLATE_VERSION}; {AUTO}")
    return false(R.UP_TO_DATE, "pods are what this version of the operator makes")
