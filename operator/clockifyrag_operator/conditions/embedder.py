"""EmbedderReady: whether the embedding model can be asked."""

from clockifyrag_operator import models, names
from clockifyrag_operator.blocked import first_blocker, volume_problem
from clockifyrag_operator.conditions.view import Judged, View, false, refused_words, true, unknown
from clockifyrag_operator.pod_states import is_ready
from clockifyrag_resource.conditions import ConditionReason as R
from clockifyrag_resource.resource import Spec

_OF_BLOCKED = {"Crash": R.PULLING, "Mismatch": R.FINGERPRINT_MISMATCH}  # of pods that pull; others cannot start


def embedder_ready(view: View) -> Judged:
    """As the model servers say, where the operator runs them; else as the search pods say."""
    spec = view.spec
    if spec is None:
        return unknown(f"the spec is refused: {refused_words(view.decision.refused)}")
    if not models.asks_ollama(spec):
        return true(R.NOT_NEEDED, f"{spec.embedding.resolved_model()} runs in the process")
    if mismatch := _verdict(view, "mismatch"):
        return false(R.FINGERPRINT_MISMATCH, mismatch)
    return _of_servers(view, spec) if spec.ollama.url is None else _of_address(view, spec.ollama.url)


def _of_servers(view: View, spec: Spec) -> Judged:
    wanted = view.decision.models
    model = spec.embedding.resolved_model()
    found = models.served_digest(view.seen, model)
    if spec.embedding.digest and found and found != models.short_digest(spec.embedding.digest):
        expected = models.short_digest(spec.embedding.digest)
        return false(R.FINGERPRINT_MISMATCH, f"spec.embedding.digest: {model} has digest {found}, expected {expected}")
    pods = view.seen.pods(names.OLLAMA)
    holding = models.servers_holding(view.seen, wanted)
    up = [pod["metadata"]["name"] for pod in pods if is_ready(pod)]
    blocked = first_blocker(pods, view.seen.now)
    if holding and set(up) == set(holding):
        told = f"{len(holding)} of {len(pods)} servers hold {', '.join(wanted)}"
        return true(R.MODEL_LOADED, f"{told}; {blocked.message}" if blocked else told)
    if blocked:
        return false(_OF_BLOCKED.get(blocked.word, R.UNREACHABLE), blocked.message)
    if any(not is_ready(pod) and _initialising(pod) for pod in pods):
        return false(R.PULLING, f"{', '.join(wanted)} is pulled by {names.ollama(view.name)}")
    if up and any(name in view.seen.reports for name in up):
        return false(R.PULLING, f"{len(holding)} of {len(up)} ready servers hold {', '.join(wanted)}")
    volume = volume_problem(view.seen, f"models-{names.ollama(view.name)}-0", "spec.ollama.server.storage")
    return false(R.UNREACHABLE, volume or f"no server of {names.ollama(view.name)} answers")


def _of_address(view: View, url: str) -> Judged:
    if ok := _verdict(view, "ok"):
        return true(R.MODEL_LOADED, ok)
    if silent := _verdict(view, "unreachable"):
        return false(R.UNREACHABLE, f"spec.ollama.url {url}: {silent}")
    failure = view.last_failure
    if failure is not None and failure.reason == "EmbedderDown":
        return false(R.UNREACHABLE, f"spec.ollama.url {url}: {failure.message}")
    return unknown(f"{url} is judged by builds and search pods")


def _verdict(view: View, wanted: str) -> str | None:
    """What a ready search pod that serves says of its embedder, if it has this verdict."""
    for pod in view.search_pods:
        told = view.report(pod).get("embedder")
        if is_ready(pod) and isinstance(told, dict) and told.get("verdict") == wanted:
            return f"pod {pod['metadata']['name']}: {told.get('reason') or told.get('model') or wanted}"
    return None


def _initialising(pod: dict[str, object]) -> bool:
    status = pod.get("status")
    states = status.get("initContainerStatuses") or () if isinstance(status, dict) else ()
    return any("terminated" not in one.get("state", {}) and not one.get("started") for one in states)
