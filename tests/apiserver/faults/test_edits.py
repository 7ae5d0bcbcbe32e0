"""T4, T5, T16, T17, T18, R9: what an author does at the wrong moment, or does wrong, is neither lost nor lasting."""

import json
from collections import Counter
from contextlib import suppress

import pytest
from tests.apiserver.controllers import RUNS, Container, PodState
from tests.apiserver.faults.field import Field, Stage
from tests.apiserver.faults.runs import FULL
from tests.apiserver.faults.states import objects
from tests.apiserver.faults.story import LOCAL, Manifest
from tests.apiserver.proxy import Meanwhile, Refuse, is_write, of
from tests.waiting import NotInTime

PATCHES = 50
TOKENS = 10
ONE_BUILD_EACH = {f"token-{number}": 1 for number in range(1, TOKENS + 1)}
IMAGE = "registry.example.com/search:bad"
QUIET_SECONDS = 4.0  # in which what cannot be carried out is looked at again


def last_of_many(field: Field, mutant: str = "", seconds: float = 60.0) -> tuple[str, bool]:
    """RETRIEVAL_K after fifty patches while a build runs, and whether the status speaks of the last one."""
    stage = field.stage(mutant=mutant)
    stage.story.world.jobs.append(lambda _: RUNS)
    stage.story.create(LOCAL)
    stage.story.wait(lambda: stage.story.all("Job"), "a build runs")
    for number in range(PATCHES):
        stage.story.change({"search": {"config": {"retrievalK": 1 + number}}})
    stage.story.world.jobs.clear()
    stage.story.controllers.wake(stage.story.namespace)
    with suppress(NotInTime):  # a mutant that lost the last one never gets there: what it got to is told
        stage.story.wait_ready(seconds)
    resource = stage.story.resource
    seen = resource["status"]["observedGeneration"]
    settings = (stage.story.get("ConfigMap", "help-search") or {}).get("data", {})
    return settings.get("RETRIEVAL_K", ""), seen == resource["metadata"]["generation"]


def test_of_fifty_rapid_patches_during_a_build_the_last_one_holds(field: Field) -> None:
    assert (str(PATCHES), True) == last_of_many(field)


def large() -> Manifest:
    """A spec as large as the schema lets it be, nearly."""
    hosts = [f"{'h' * 50}{number:03}.example.com" for number in range(50)]
    urls = [f"https://{host}/{'p' * 900}" for host in hosts]
    annotations = {f"example.com/{number:03}": "v" * 400 for number in range(30)}
    return {
        **LOCAL,
        "source": {"crawl": {"startURLs": urls[:20], "allow": urls[:20], "maxPages": 1000}},
        "search": {"pod": {"annotations": annotations}},
    }


def traces_of_kopf(field: Field, mutant: str = "") -> set[str]:
    """Annotations and finalizers of kopf on a resource and its children."""
    stage = field.stage(mutant=mutant)
    if mutant:
        field.grant(stage.story.namespace, "clockifyrags", "patch")
    stage.story.create(large())
    stage.story.wait_ready()
    found = set()
    for one in objects(stage.story.api, stage.story.namespace):
        metadata = one["metadata"]
        keys = [*(metadata.get("annotations") or {}), *(metadata.get("finalizers") or ())]
        found |= {f"{one['kind']}: {key}" for key in keys if "kopf" in key}
        if one["kind"] == "ClockifyRAG":
            found |= {f"finalizer {key}" for key in metadata.get("finalizers") or ()}
    return found


def test_kopf_keeps_nothing_on_any_object(field: Field) -> None:
    assert set() == traces_of_kopf(field)


def test_after_a_restart_nothing_is_made_again_for_a_spec_as_large_as_it_may_be(field: Field) -> None:
    stage = field.stage(large())
    before = {one["metadata"]["uid"] for one in objects(stage.story.api, stage.story.namespace)}
    writes = len(stage.proxy.writes)

    stage.restart()
    stage.story.wait(lambda: stage.operator.get("/readyz") == 200, "it is up again")
    stage.story.rest(3.0)

    assert before == {one["metadata"]["uid"] for one in objects(stage.story.api, stage.story.namespace)}
    assert [] == [str(one) for one in stage.proxy.writes[writes:]]


BROKEN: dict[str, tuple[Manifest, Manifest, PodState]] = {
    "image": ({"search": {"image": IMAGE}}, {"search": {"image": None}}, PodState(False, waiting="ImagePullBackOff")),
    "resources": (
        {"search": {"resources": {"requests": {"memory": "465458732Gi"}, "limits": {"memory": "465458732Gi"}}}},
        {"search": {"resources": None}},
        PodState(False, unschedulable="0/1 nodes are available: 1 Insufficient memory."),
    ),
    "toleration": (
        {"search": {"pod": {"nodeSelector": {"example.com/none": "here"}}}},
        {"search": {"pod": None}},
        PodState(False, unschedulable="0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector."),
    ),
}


def is_broken(pod: Manifest) -> bool:
    spec = pod["spec"]
    memory = spec["containers"][0].get("resources", {}).get("requests", {}).get("memory", "")
    return memory == "465458732Gi" or IMAGE in str(spec) or "example.com/none" in (spec.get("nodeSelector") or {})


@pytest.mark.parametrize("name", BROKEN)
def test_a_bad_change_is_named_while_old_pods_serve_and_heals_when_it_is_taken_back(field: Field, name: str) -> None:
    bad, good, state = BROKEN[name]
    stage = field.stage(FULL)
    stage.story.world.pods.append(lambda pod: state if is_broken(pod.manifest) else None)

    stage.story.change(bad)
    stage.story.wait(lambda: any(is_broken(one) for one in stage.story.all("Pod")), "the new pod is there")
    stage.story.wait(lambda: stage.story.condition("ServingCurrent")[0] == "True", "the old ones serve on")
    stage.story.wait(lambda: blamed(stage, state.waiting or state.unschedulable), "the status names what is wrong")
    stage.story.wait(lambda: is_quiet(stage), "it waits without a word")
    stage.story.change(good)

    stage.story.wait_ready()
    assert not any(is_broken(one) for one in stage.story.all("Pod"))


def is_quiet(stage: Stage) -> bool:
    """Whether the operator writes nothing but its lease for some seconds."""
    before = len(stage.proxy.calls)
    stage.story.rest(QUIET_SECONDS)
    return not [one for one in stage.proxy.calls[before:] if is_write(one) and one.resource != "leases"]


def blamed(stage: Stage, word: str) -> bool:
    return any(word in one["message"] for one in stage.story.status["conditions"])


def store_heals(field: Field, mutant: str = "", seconds: float = 60.0) -> bool:
    """Whether a pod of the store that never got ready is replaced once its image is mended."""
    stage = field.stage(mutant=mutant)
    broken = PodState(False, waiting="ImagePullBackOff")
    stage.story.world.pods.append(lambda pod: broken if IMAGE in pod.images else None)
    stage.story.world.jobs.append(lambda job: RUNS if IMAGE in job.images else None)
    stage.story.create({**LOCAL, "build": {"image": IMAGE}})
    stage.story.wait(lambda: stage.story.get("Pod", "help-store-0"), "the pod is there")
    stage.story.change({"build": {"image": None}})
    with suppress(NotInTime):  # that it did not heal is the answer
        stage.story.wait_ready(seconds)
    return IMAGE not in str((stage.story.get("Pod", "help-store-0") or {}).get("spec"))


def test_a_stuck_pod_of_the_store_is_replaced_when_its_image_is_mended(field: Field) -> None:
    assert store_heals(field)


def keys(secret: str) -> dict[str, object]:
    """`spec.search` whose keys are in that Secret."""
    return {"auth": {"secretRef": {"name": secret}}}


def reached_past_a_refusal(field: Field, mutant: str = "", seconds: float = 60.0) -> tuple[bool, ...]:
    """Whether new settings, another scale and other keys come through while the model server can neither run nor be
    written.
    """
    stage = field.stage(FULL | {"search": FULL["search"] | keys("old-keys")}, mutant=mutant)
    stage.story.world.pods.append(lambda pod: PodState(ready=False) if pod.component == "ollama" else None)
    stage.story.controllers.wake(stage.story.namespace)
    refused = Refuse(of("statefulsets", "apply"), times=1_000_000, status=500)  # lists, as a new leader makes, pass
    stage.proxy.make(refused)
    resources = {"requests": {"memory": "3Gi"}, "limits": {"memory": "3Gi"}}
    stage.story.change({"ollama": {"server": {"resources": resources}}, "search": {"replicas": 3}})
    stage.story.change({"search": {"config": {"retrievalK": 9}}})
    stage.story.change({"search": keys("new-keys")})

    def scaled() -> bool:
        return bool((stage.story.get("Deployment", "help-search") or {})["status"].get("readyReplicas") == 3)

    def told() -> bool:
        return bool((stage.story.get("ConfigMap", "help-search") or {})["data"].get("RETRIEVAL_K") == "9")

    def rotated() -> bool:
        pods = [one for one in stage.story.all("Pod") if Container(one).component == "search"]
        mounted = {volume.get("secret", {}).get("secretName") for pod in pods for volume in pod["spec"]["volumes"]}
        return "new-keys" in mounted and "old-keys" not in mounted

    wanted = (scaled, told, rotated)
    with suppress(NotInTime):  # what did not come through is the answer
        stage.story.wait(lambda: all(through() for through in wanted), "all came through", seconds)
    assert refused.made, "no write of a StatefulSet was refused: nothing was tried"
    return tuple(through() for through in wanted)


def test_while_the_model_server_is_broken_scale_settings_and_keys_still_change(field: Field) -> None:
    assert (True, True, True) == reached_past_a_refusal(field)


def builds_of_tokens(field: Field, mutant: str = "", seconds: float = 60.0) -> Counter[str]:
    """How many Jobs were made for each of some tokens, each set in the middle of a pass, at another of its writes.

    The first one that is not consumed within so many seconds is the last one tried.
    """
    stage, within = field.stage(LOCAL, mutant=mutant), 0
    for number, token in enumerate(ONE_BUILD_EACH, 1):

        def set_token(token: str = token) -> None:
            stage.story.reindex(token)

        meanwhile = Meanwhile(len(stage.proxy.writes) + 1 + number % 4, set_token)
        stage.proxy.make(meanwhile)
        stage.story.change({"search": {"config": {"retrievalK": 1 + number}}})
        with suppress(NotInTime):  # a pass that writes less, or nothing: the token is set after it
            stage.story.wait(
                lambda: meanwhile.made or stage.story.is_ready(),  # noqa: B023
                "the token is set, or the pass is over",
                seconds,
            )
        within += meanwhile.made
        if not meanwhile.made:
            set_token()
        try:
            stage.story.wait(lambda: token in stage.story.ledger.get("tokens", ()), f"{token} is consumed", seconds)  # noqa: B023
        except NotInTime:
            break
        stage.story.wait_ready()
    else:
        assert within >= TOKENS / 2, "most tokens are set in the middle of a pass"
    made = [
        json.loads(live["metadata"]["annotations"]["clockifyrag.io/order"])["trigger"].removeprefix("token ")
        for live in stage.story.jobs()
    ]
    return Counter(one for one in made if one)


def test_a_token_set_at_any_moment_of_a_pass_builds_exactly_once(field: Field) -> None:
    assert ONE_BUILD_EACH == builds_of_tokens(field)
